//! Checkpoints: the images of all objects at one place of the log, so that a start need not read
//! everything. A checkpoint that does not verify is as good as none.
//!
//! ```text
//! images/<16 hex digits>.ckpt = "aqo images 1\n" | segment u64 | offset u64 | count u32
//!   count times: object 32, artifact 32, served i64, name length u16, name, image length u32, image
//!   | BLAKE3 of all that                                                        little-endian
//! ```

use crate::environment::Disk;
use crate::error::{Error, Result};
use aqo_model::value::Bytes32;
use std::path::{Path, PathBuf};

const MAGIC: &[u8] = b"aqo images 1\n";
/// How many checkpoints are kept.
const KEPT: usize = 2;

/// The images of a store at one place of its log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// The segment and offset from which entries are not yet in the images.
    pub position: (u64, u64),
    /// One per object.
    pub objects: Vec<Kept>,
}

/// An object in a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its id.
    pub object: Bytes32,
    /// The digest of its artifact.
    pub artifact: Bytes32,
    /// What people call it here.
    pub name: String,
    /// Up to where its ticks have been judged.
    pub served: i64,
    /// Its image.
    pub image: Vec<u8>,
}

impl Checkpoint {
    /// What to say where a log ends before this checkpoint was made: entries have been lost.
    pub fn ahead_of(&self, end: (u64, u64)) -> Option<String> {
        let (segment, offset) = self.position;
        (self.position > end).then(|| {
            format!(
                "the log ends at segment {}, byte {}, and a checkpoint was made at segment {segment}, byte {offset}",
                end.0, end.1
            )
        })
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.position.0.to_le_bytes());
        bytes.extend(self.position.1.to_le_bytes());
        bytes.extend((self.objects.len() as u32).to_le_bytes());
        for kept in &self.objects {
            bytes.extend(kept.object.0);
            bytes.extend(kept.artifact.0);
            bytes.extend(kept.served.to_le_bytes());
            bytes.extend((kept.name.len() as u16).to_le_bytes());
            bytes.extend(kept.name.as_bytes());
            bytes.extend((kept.image.len() as u32).to_le_bytes());
            bytes.extend(&kept.image);
        }
        bytes.extend(blake3::hash(&bytes).as_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Checkpoint> {
        let (content, digest) = bytes.split_last_chunk::<32>()?;
        if blake3::hash(content).as_bytes() != digest {
            return None;
        }
        let mut rest = content.strip_prefix(MAGIC)?;
        let mut take = |len: usize| {
            let (taken, left) = rest.split_at_checked(len)?;
            rest = left;
            Some(taken)
        };
        let position = (
            u64::from_le_bytes(take(8)?.try_into().ok()?),
            u64::from_le_bytes(take(8)?.try_into().ok()?),
        );
        let count = u32::from_le_bytes(take(4)?.try_into().ok()?);
        let mut objects = Vec::new();
        for _ in 0..count {
            let object = Bytes32(take(32)?.try_into().ok()?);
            let artifact = Bytes32(take(32)?.try_into().ok()?);
            let served = i64::from_le_bytes(take(8)?.try_into().ok()?);
            let len = u16::from_le_bytes(take(2)?.try_into().ok()?);
            let name = String::from_utf8(take(usize::from(len))?.to_vec()).ok()?;
            let len = u32::from_le_bytes(take(4)?.try_into().ok()?);
            let image = take(len as usize)?.to_vec();
            objects.push(Kept { object, artifact, name, served, image });
        }
        Some(Checkpoint { position, objects })
    }
}

fn numbers(disk: &dyn Disk, directory: &Path) -> Result<Vec<u64>> {
    let names = disk.list(directory).map_err(|e| Error::io("list", directory, &e))?;
    let number = |name: &String| u64::from_str_radix(name.strip_suffix(".ckpt")?, 16).ok();
    let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn path_of(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:016x}.ckpt"))
}

/// The newest checkpoint that verifies.
pub fn newest(disk: &dyn Disk, directory: &Path) -> Result<Option<Checkpoint>> {
    for number in numbers(disk, directory)?.into_iter().rev() {
        if let Ok(bytes) = disk.read(&path_of(directory, number))
            && let Some(checkpoint) = Checkpoint::decode(&bytes)
        {
            return Ok(Some(checkpoint));
        }
    }
    Ok(None)
}

/// Writes a checkpoint, and drops all but the last few.
pub fn write(disk: &dyn Disk, directory: &Path, checkpoint: &Checkpoint) -> Result<()> {
    let numbers = numbers(disk, directory)?;
    let next = numbers.last().map_or(0, |number| number + 1);
    let path = path_of(directory, next);
    disk.replace(&path, &checkpoint.encode(), false).map_err(|e| Error::io("write", &path, &e))?;
    let old = (numbers.len() + 1).saturating_sub(KEPT);
    for number in numbers.into_iter().take(old) {
        let path = path_of(directory, number);
        disk.remove(&path).map_err(|e| Error::io("remove", &path, &e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_byte_is_noticed() {
        let kept = Kept {
            object: Bytes32([1; 32]),
            artifact: Bytes32([2; 32]),
            name: "thermostat".to_owned(),
            served: 7,
            image: vec![3; 40],
        };
        let checkpoint = Checkpoint { position: (1, 2), objects: vec![kept] };
        let bytes = checkpoint.encode();
        assert_eq!(Checkpoint::decode(&bytes), Some(checkpoint));
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert_eq!(Checkpoint::decode(&flipped), None, "byte {at}");
        }
    }
}
