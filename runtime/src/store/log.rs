//! The log: every entry of every object of a store, in the order in which they became durable.
//!
//! ```text
//! segment  = log/<16 hex digits>.log, at most 64 MiB; numbers ascend without gaps
//! record   = length u32 | crc32c u32 of what follows | kind u8 | body         little-endian
//!            length counts kind and body; zero length = the end of the segment
//! kind     = 1 entry: object 32, height u64, previous digest 32, entry
//!            2 object: object 32, artifact 32, name            before its birth
//!            3 cursor: object 32, served i64, delivered u64    rides along with later entries
//!            the bit 0x80 marks the first record of its group
//! ```
//! A *group* is what one sync made durable. A group is begun only when the one before is durable, so
//! after a crash only the last can be torn. Hence: a bad record after which another group begins is
//! *corruption*, and the start stops; bad records at the very end are a *torn tail*, which is cut off
//! and reported. What stands before it in its group was never acknowledged, and may stay.

use crate::environment::{Disk, DiskFile};
use crate::error::{Error, Result};
use aqo_model::value::Bytes32;
use std::path::{Path, PathBuf};

/// Bytes after which a new segment begins.
const SEGMENT_BYTES: u64 = 64 << 20;
/// By how much a segment grows: a sync of grown files is slow.
const GROWTH_BYTES: u64 = 1 << 20;
/// The longest record.
const RECORD_BYTES: usize = 4 << 20;
const HEADER: usize = 8;
const FIRST: u8 = 0x80;

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An entry of a lineage.
    Entry {
        /// Whose.
        object: Bytes32,
        /// Its sequence.
        height: u64,
        /// The digest of its predecessor.
        previous: Bytes32,
        /// Its bytes.
        entry: Vec<u8>,
    },
    /// An object that is about to be born.
    Object {
        /// Its id.
        object: Bytes32,
        /// The digest of its artifact.
        artifact: Bytes32,
        /// What people call it here.
        name: String,
    },
    /// What a host knows of an object beside its lineage.
    Cursor {
        /// Whose.
        object: Bytes32,
        /// Up to where its ticks have been judged.
        served: i64,
        /// The number of the first entry whose events may not all have been handed over.
        delivered: u64,
    },
}

/// A record and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The number of its segment.
    pub segment: u64,
    /// Its offset there.
    pub offset: u64,
    /// What it says.
    pub record: Record,
}

/// A place in the log where reading stops being possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The number of the segment.
    pub segment: u64,
    /// The offset in it.
    pub offset: u64,
    /// Whether another group begins after it: then it is corruption, otherwise a torn tail.
    pub is_corruption: bool,
    /// What the damaged record says of itself, as far as it can be read.
    pub record: Option<Record>,
}

/// All that can be read of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Records in order.
    pub records: Vec<Found>,
    /// The first place that cannot be read.
    pub damage: Option<Damage>,
    /// Where the next record goes: segment and offset.
    pub end: (u64, u64),
}

impl Record {
    fn encode(&self, is_first: bool) -> Vec<u8> {
        let mut body = Vec::new();
        let kind: u8 = match self {
            Record::Entry { object, height, previous, entry } => {
                body.extend(object.0);
                body.extend(height.to_le_bytes());
                body.extend(previous.0);
                body.extend(entry);
                1
            }
            Record::Object { object, artifact, name } => {
                body.extend(object.0);
                body.extend(artifact.0);
                body.extend(name.as_bytes());
                2
            }
            Record::Cursor { object, served, delivered } => {
                body.extend(object.0);
                body.extend(served.to_le_bytes());
                body.extend(delivered.to_le_bytes());
                3
            }
        };
        let kind = if is_first { kind | FIRST } else { kind };
        let mut record = vec![0; HEADER];
        record.push(kind);
        record.extend(body);
        let checksum = crc32c::crc32c(&record[HEADER..]);
        let length = (record.len() - HEADER) as u32;
        record[..4].copy_from_slice(&length.to_le_bytes());
        record[4..8].copy_from_slice(&checksum.to_le_bytes());
        record
    }

    fn decode(payload: &[u8]) -> Option<Record> {
        let (kind, body) = payload.split_first()?;
        let bytes32 = |at: usize| Some(Bytes32(body.get(at..at + 32)?.try_into().ok()?));
        let word = |at: usize| Some(u64::from_le_bytes(body.get(at..at + 8)?.try_into().ok()?));
        let record = match kind & !FIRST {
            1 => Record::Entry {
                object: bytes32(0)?,
                height: word(32)?,
                previous: bytes32(40)?,
                entry: body.get(72..)?.to_vec(),
            },
            2 => Record::Object {
                object: bytes32(0)?,
                artifact: bytes32(32)?,
                name: String::from_utf8(body.get(64..)?.to_vec()).ok()?,
            },
            3 if body.len() == 48 => Record::Cursor {
                object: bytes32(0)?,
                served: word(32)?.cast_signed(),
                delivered: word(40)?,
            },
            _ => return None,
        };
        Some(record)
    }
}

fn path_of(directory: &Path, segment: u64) -> PathBuf {
    directory.join(format!("{segment:016x}.log"))
}

/// The payload of the record at an offset, if its length is plausible and its checksum holds.
fn sound(bytes: &[u8], offset: usize) -> Option<&[u8]> {
    let word = |at: usize| {
        let bytes: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes))
    };
    let len = usize::try_from(word(offset)?).ok().filter(|len| (1..=RECORD_BYTES).contains(len))?;
    let payload = bytes.get(offset + HEADER..offset + HEADER + len)?;
    (crc32c::crc32c(payload) == word(offset + 4)?).then_some(payload)
}

/// Reads a whole log, up to the first damage. Writes nothing.
pub fn scan(disk: &dyn Disk, directory: &Path) -> Result<Scan> {
    let names = disk.list(directory).map_err(|e| Error::io("list", directory, &e))?;
    let mut segments = Vec::new();
    for name in names {
        let number = name.strip_suffix(".log").and_then(|hex| u64::from_str_radix(hex, 16).ok());
        segments.extend(number);
    }
    segments.sort_unstable();
    let mut scan = Scan::default();
    for (place, segment) in segments.iter().enumerate() {
        let path = path_of(directory, *segment);
        if *segment != place as u64 {
            return Err(Error::refused(format!(
                "the log lacks segment {place}: {}",
                path.display()
            ))
            .help("restore the missing file from a backup"));
        }
        let bytes = disk.read(&path).map_err(|e| Error::io("read", &path, &e))?;
        let is_last = place + 1 == segments.len();
        scan_segment(*segment, &bytes, is_last, &mut scan);
        if scan.damage.is_some() {
            break;
        }
    }
    Ok(scan)
}

fn scan_segment(segment: u64, bytes: &[u8], is_last: bool, scan: &mut Scan) {
    let mut offset = 0;
    while let Some(payload) = sound(bytes, offset) {
        let Some(record) = Record::decode(payload) else { break };
        scan.records.push(Found { segment, offset: offset as u64, record });
        offset += HEADER + payload.len();
    }
    scan.end = (segment, offset as u64);
    let rest = bytes.get(offset..).unwrap_or(&[]);
    if rest.iter().all(|byte| *byte == 0) {
        return;
    }
    scan.damage = Some(Damage {
        segment,
        offset: offset as u64,
        is_corruption: !is_last || another_group_begins(bytes, offset + 1),
        record: as_far_as_readable(bytes, offset),
    });
}

/// Whether a sound record at or after this place begins a group.
fn another_group_begins(bytes: &[u8], from: usize) -> bool {
    let mut offset = from;
    while offset + HEADER < bytes.len() {
        match sound(bytes, offset) {
            Some(payload) if payload[0] & FIRST != 0 && Record::decode(payload).is_some() => {
                return true;
            }
            Some(payload) => offset += HEADER + payload.len(),
            None => offset += 1,
        }
    }
    false
}

fn as_far_as_readable(bytes: &[u8], offset: usize) -> Option<Record> {
    let len = u32::from_le_bytes(bytes.get(offset..offset + 4)?.try_into().ok()?) as usize;
    let payload = bytes.get(offset + HEADER..)?;
    Record::decode(payload.get(..len.min(payload.len()))?)
}

/// The log, open for writing at its end.
pub struct Log {
    directory: PathBuf,
    file: Box<dyn DiskFile>,
    segment: u64,
    offset: u64,
    length: u64,
    group: Vec<Record>,
}

impl Log {
    /// Opens a log at the end that a scan found, cutting off a torn tail.
    pub fn open(disk: &dyn Disk, directory: &Path, scan: &Scan) -> Result<Log> {
        disk.create_dir(directory).map_err(|e| Error::io("create", directory, &e))?;
        let (segment, offset) = scan.end;
        let path = path_of(directory, segment);
        let io = |e: std::io::Error| Error::io("open", &path, &e);
        let mut file = disk.open(&path).map_err(io)?;
        if scan.damage.is_some() {
            file.set_len(offset).and_then(|()| file.sync()).map_err(io)?;
        }
        let directory = directory.to_owned();
        let mut log = Log { directory, file, segment, offset, length: offset, group: Vec::new() };
        log.reserve(0)?;
        Ok(log)
    }

    /// Adds a record to the group that the next commit makes durable.
    pub fn push(&mut self, record: Record) {
        self.group.push(record);
    }

    /// Where the next group will stand.
    pub fn end(&self) -> (u64, u64) {
        (self.segment, self.offset)
    }

    /// Makes the group durable: one write, one sync. After a failure nothing may go on: what is on
    /// the disk is unknown.
    pub fn commit(&mut self, disk: &dyn Disk) -> Result<()> {
        if self.group.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        for (place, record) in self.group.iter().enumerate() {
            bytes.extend(record.encode(place == 0));
        }
        if self.offset + bytes.len() as u64 > SEGMENT_BYTES && self.offset > 0 {
            self.segment += 1;
            let path = path_of(&self.directory, self.segment);
            self.file = disk.open(&path).map_err(|e| Error::io("create", &path, &e))?;
            (self.offset, self.length) = (0, 0);
        }
        self.reserve(bytes.len() as u64)?;
        let path = path_of(&self.directory, self.segment);
        let written = self.file.write_at(self.offset, &bytes).and_then(|()| self.file.sync());
        written.map_err(|e| {
            Error::io("write", &path, &e)
                .help("the store stops here; free the disk or replace it, then start again")
        })?;
        self.offset += bytes.len() as u64;
        self.group.clear();
        Ok(())
    }

    /// Grows the file, so that a commit does not.
    fn reserve(&mut self, more: u64) -> Result<()> {
        let wanted = self.offset + more + HEADER as u64;
        if wanted > self.length {
            let length = wanted.next_multiple_of(GROWTH_BYTES);
            let path = path_of(&self.directory, self.segment);
            self.file.set_len(length).map_err(|e| Error::io("grow", &path, &e))?;
            self.length = length;
        }
        Ok(())
    }
}
