//! What the runtime takes from outside: a disk, a clock, randomness. Each is a trait, so that a test
//! can be the world.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Files of a store.
pub trait Disk: Send {
    /// The whole of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Names in a directory, sorted; none if there is no such directory.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
    /// A directory and those above it.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Replaces a file whole or not at all, durably. `secret` files are for their owner alone.
    fn replace(&self, path: &Path, bytes: &[u8], secret: bool) -> io::Result<()>;
    /// Removes a file, durably.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Opens a file for writing at any place, creating it durably.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
}

/// An open file.
pub trait DiskFile: Send {
    /// Writes all bytes at an offset.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes the file so long; new bytes are zero.
    fn set_len(&mut self, len: u64) -> io::Result<()>;
    /// Returns when everything written is durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// The file system.
pub struct RealDisk;

impl Disk for RealDisk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    fn replace(&self, path: &Path, bytes: &[u8], secret: bool) -> io::Result<()> {
        use std::io::Write;
        let temporary = path.with_extension("new");
        match std::fs::remove_file(&temporary) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        if secret {
            private(&mut options);
        }
        let mut file = options.open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        sync_parent(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)?;
        sync_parent(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let is_new = !path.exists();
        let file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        if is_new {
            file.sync_all()?;
            sync_parent(path)?;
        }
        Ok(Box::new(RealFile(file)))
    }
}

#[cfg(unix)]
fn private(options: &mut std::fs::OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

#[cfg(not(unix))]
fn private(_options: &mut std::fs::OpenOptions) {}

/// Makes a new name in a directory durable.
#[cfg(unix)]
fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => std::fs::File::open(parent)?.sync_all(),
        Some(_) | None => std::fs::File::open(".")?.sync_all(),
    }
}

#[cfg(not(unix))]
fn sync_parent(_path: &Path) -> io::Result<()> {
    Ok(())
}

struct RealFile(std::fs::File);

impl DiskFile for RealFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        use std::io::{Seek, SeekFrom, Write};
        self.0.seek(SeekFrom::Start(offset))?;
        self.0.write_all(bytes)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// Time, in microseconds since 1970.
pub trait Clock: Send {
    /// The present instant.
    fn now(&mut self) -> i64;
    /// How long to wait in real time until an instant; zero if it has come.
    fn until(&mut self, instant: i64) -> Duration;
    /// Nothing is left to do before this instant.
    fn idle_until(&mut self, instant: i64);
}

/// The clock of the machine.
pub struct RealClock;

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the machine's clock"
)]
fn machine_now() -> SystemTime {
    SystemTime::now()
}

impl Clock for RealClock {
    fn now(&mut self) -> i64 {
        let since = machine_now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        i64::try_from(since.as_micros()).unwrap_or(aqo_model::types::NEVER)
    }

    fn until(&mut self, instant: i64) -> Duration {
        Duration::from_micros(u64::try_from(instant - self.now()).unwrap_or(0))
    }

    fn idle_until(&mut self, _instant: i64) {}
}

/// A clock that runs `speed` times as fast as the machine's, or jumps to whatever is due next.
pub struct VirtualClock {
    now: i64,
    speed: Option<f64>,
    last: SystemTime,
}

impl VirtualClock {
    /// Starts at an instant; `speed` `None` means as fast as can be.
    pub fn new(start: i64, speed: Option<f64>) -> VirtualClock {
        VirtualClock { now: start, speed, last: machine_now() }
    }
}

impl Clock for VirtualClock {
    fn now(&mut self) -> i64 {
        if let Some(speed) = self.speed {
            let machine = machine_now();
            let passed = machine.duration_since(self.last).unwrap_or(Duration::ZERO);
            self.now = self.now.saturating_add((passed.as_micros() as f64 * speed) as i64);
            self.last = machine;
        }
        self.now
    }

    fn until(&mut self, instant: i64) -> Duration {
        let left = instant - self.now();
        match self.speed {
            Some(speed) if left > 0 => Duration::from_micros((left as f64 / speed) as u64 + 1),
            Some(_) | None => Duration::ZERO,
        }
    }

    fn idle_until(&mut self, instant: i64) {
        if self.speed.is_none() {
            self.now = self.now.max(instant);
        }
    }
}

/// Bytes that nobody can foresee.
pub trait Random: Send {
    /// Fills a buffer.
    fn fill(&mut self, bytes: &mut [u8]);
}

/// The operating system's randomness.
pub struct RealRandom;

impl Random for RealRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has randomness");
    }
}
