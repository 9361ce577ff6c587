"""Every public callable, each of its parameters given each of a catalogue of bad values, in children that may crash."""
