//! What a scan may take, as flags. Every limit has a default that ordinary repositories stay far below.

use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;
use keysieve::scan::limits::Limits;

const HEADING: &str = "Limits (what one cuts off makes the scan incomplete)";

/// Limits of every scan.
#[derive(Debug, Clone, Default, Args)]
pub struct LimitArgs {
    /// Memory for contents, of all threads together [default: 4GiB, at most half of what there is]
    #[arg(long, value_name = "SIZE", hide_short_help = true, help_heading = HEADING, value_parser = size)]
    max_memory: Option<u64>,
    /// Containers inside of one another that are unpacked [default: 6]
    #[arg(long, value_name = "N", hide_short_help = true, help_heading = HEADING)]
    max_archive_depth: Option<usize>,
    /// Size of one content of a container, unpacked [default: 128MiB]
    #[arg(long, value_name = "SIZE", hide_short_help = true, help_heading = HEADING, value_parser = size)]
    max_archive_entry: Option<u64>,
    /// Size of all contents of a container, unpacked [default: 2GiB]
    #[arg(long, value_name = "SIZE", hide_short_help = true, help_heading = HEADING, value_parser = size)]
    max_archive_size: Option<u64>,
    /// How many times its own size a container may unpack to, beyond 64 MiB [default: 200]
    #[arg(long, value_name = "N", hide_short_help = true, help_heading = HEADING)]
    max_archive_ratio: Option<u64>,
    /// Contents of a container [default: 200000]
    #[arg(long, value_name = "N", hide_short_help = true, help_heading = HEADING)]
    max_archive_entries: Option<u64>,
    /// Length of a line [default: 1GiB]
    #[arg(long, value_name = "SIZE", hide_short_help = true, help_heading = HEADING, value_parser = size)]
    max_line_length: Option<u64>,
    /// Places in one file that may be credentials, before it is judged which are [default: 10000]
    #[arg(long, value_name = "N", hide_short_help = true, help_heading = HEADING)]
    max_findings_per_file: Option<usize>,
    /// Findings that are reported, the first by path and line [default: 100000]
    #[arg(long, value_name = "N", hide_short_help = true, help_heading = HEADING)]
    max_findings: Option<usize>,
    #[command(flatten)]
    time: TimeArgs,
}

/// Limits of time.
#[derive(Debug, Clone, Default, Args)]
pub struct TimeArgs {
    /// Time for one file, such as 90s or 5m [default: 2m]
    #[arg(long, value_name = "TIME", hide_short_help = true, help_heading = HEADING, value_parser = time)]
    file_timeout: Option<Duration>,
    /// Time for the scan, such as 90s or 5m [default: 1h]
    #[arg(long, value_name = "TIME", hide_short_help = true, help_heading = HEADING, value_parser = time)]
    timeout: Option<Duration>,
}

/// Limits of what is read of a repository.
#[derive(Debug, Clone, Default, Args)]
pub struct RepositoryLimitArgs {
    /// Size of one object, expanded [default: 2GiB, at most a sixth of the memory]
    #[arg(long, value_name = "SIZE", hide_short_help = true, help_heading = HEADING, value_parser = size)]
    max_object_size: Option<u64>,
    /// Paths that one comparison or one commit may lead to [default: 1000000]
    #[arg(long, value_name = "N", hide_short_help = true, help_heading = HEADING)]
    max_paths: Option<usize>,
}

/// Limits of what is read of a whole history.
#[derive(Debug, Clone, Default, Args)]
pub struct HistoryLimitArgs {
    /// Objects of the repository [default: 50000000]
    #[arg(long, value_name = "N", hide_short_help = true, help_heading = HEADING)]
    max_objects: Option<usize>,
    /// Deltas between an object and what it is made of [default: 4095]
    #[arg(long, value_name = "N", hide_short_help = true, help_heading = HEADING)]
    max_delta_depth: Option<usize>,
}

impl LimitArgs {
    /// Most findings that are reported.
    pub fn findings(&self) -> usize {
        self.max_findings.unwrap_or(Limits::default().findings)
    }

    /// The limits, with their defaults where nothing was said.
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.memory = self.max_memory.unwrap_or_else(|| limits.memory.min(available() / 2));
        set(&mut limits.containers.depth, self.max_archive_depth);
        set(&mut limits.containers.entry, self.max_archive_entry);
        set(&mut limits.containers.total, self.max_archive_size);
        set(&mut limits.containers.ratio, self.max_archive_ratio);
        set(&mut limits.containers.entries, self.max_archive_entries);
        set(&mut limits.line, self.max_line_length);
        set(&mut limits.findings_per_file, self.max_findings_per_file);
        limits.findings = self.findings();
        self.time.apply(&mut limits);
        limits
    }
}

impl TimeArgs {
    /// Puts these limits into `limits`.
    pub fn apply(&self, limits: &mut Limits) {
        set(&mut limits.file_time, self.file_timeout);
        set(&mut limits.time, self.timeout);
    }
}

impl RepositoryLimitArgs {
    /// Puts these limits into `limits`.
    pub fn apply(&self, limits: &mut Limits) {
        set(&mut limits.object, self.max_object_size);
        set(&mut limits.paths, self.max_paths);
    }
}

impl HistoryLimitArgs {
    /// Puts these limits into `limits`.
    pub fn apply(&self, limits: &mut Limits) {
        set(&mut limits.objects, self.max_objects);
        set(&mut limits.delta_depth, self.max_delta_depth);
    }
}

fn set<T>(limit: &mut T, wanted: Option<T>) {
    if let Some(wanted) = wanted {
        *limit = wanted;
    }
}

fn size(text: &str) -> Result<u64, String> {
    let size: ByteSize = text.parse().map_err(|_| "write a size such as 512MiB, 4GiB or 1000000".to_owned())?;
    Ok(size.as_u64())
}

fn time(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().map(Duration::from_secs);
    let hint = |_| "write a time such as 90s, 5m or 1h".to_owned();
    seconds.map_or_else(|| humantime::parse_duration(text).map_err(hint), Ok)
}

/// Bytes of memory that this process may have: the machine's, the control group's, or what `ulimit -v` leaves.
fn available() -> u64 {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let machine = read("/proc/meminfo").lines().find_map(|line| {
        let kibibytes = line.strip_prefix("MemTotal:")?.split_whitespace().next()?;
        Some(kibibytes.parse::<u64>().ok()? << 10)
    });
    let groups = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let group = groups.iter().find_map(|path| read(path).trim().parse::<u64>().ok());
    machine.into_iter().chain(group).chain(address_space()).min().unwrap_or(u64::MAX)
}

#[cfg(unix)]
fn address_space() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::As).current
}

#[cfg(not(unix))]
fn address_space() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_read_as_people_write_them() {
        assert_eq!((size("512MiB"), size("2 GB"), size("77")), (Ok(512 << 20), Ok(2_000_000_000), Ok(77)));
        assert!(size("much").is_err_and(|hint| hint.contains("512MiB")));
        assert_eq!((time("90"), time("5m")), (Ok(Duration::from_secs(90)), Ok(Duration::from_secs(300))));
        assert!(time("soon").is_err_and(|hint| hint.contains("90s")));
    }
}
