"""How many random cases property tests try: few and always the same ones, or many in a campaign (`make campaign`)."""

import os

from hypothesis import settings

settings.register_profile("default", max_examples=60, derandomize=True, deadline=None, database=None)
settings.register_profile("campaign", max_examples=3000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
