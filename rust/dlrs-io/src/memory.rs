//! How much a file may ask for.

use std::fs;

use crate::Result;
use crate::error::refuse;

/// 80 % of the machine's memory, or of what the control group allows if that is less (G9).
pub fn budget() -> u64 {
    let physical = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_of(&text));
    let group = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse::<u64>().ok());
    // Unknown memory bounds nothing: reservations are fallible all the same.
    [physical, group].into_iter().flatten().min().map_or(isize::MAX as u64, |bytes| bytes / 5 * 4)
}

/// Any machine has this much: no file of the system is read to learn so.
const SMALL: u64 = 64 << 20;

/// Refuses what is larger than the budget (G9): a file, or the sum of sizes in one.
pub fn check(size: u64, format: &'static str, field: &str) -> Result<()> {
    let budget = if size <= SMALL { SMALL } else { budget() };
    if size > budget {
        refuse!(format, "G9", 0, field, "its {size} bytes are more than the {budget} that may be used");
    }
    Ok(())
}

/// The bytes in the line `MemTotal: <n> kB`.
fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meminfo_is_read() {
        assert_eq!(total_of("MemTotal:       100 kB\nMemFree: 3 kB\n"), Some(102_400));
        assert_eq!(total_of("MemFree: 3 kB\n"), None);
        assert!(budget() > 0);
    }
}
