//! Keys: Ed25519 in PKCS#8 PEM files that are for their owner alone. No secret is ever printed.

use crate::environment::{Disk, Random};
use crate::error::{Error, Result};
use aqo_model::value::Bytes32;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use std::path::{Path, PathBuf};

/// A secret key.
pub struct Key(SigningKey);

impl Key {
    /// A new key.
    pub fn generate(random: &mut dyn Random) -> Key {
        let mut seed = [0; 32];
        random.fill(&mut seed);
        Key(SigningKey::from_bytes(&seed))
    }

    /// Its public half.
    pub fn public(&self) -> Bytes32 {
        Bytes32(self.0.verifying_key().to_bytes())
    }

    /// Signs.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    /// Reads a key from its file.
    pub fn read(disk: &dyn Disk, path: &Path) -> Result<Key> {
        let bytes = disk.read(path).map_err(|e| Error::io("read", path, &e))?;
        let wrong = || {
            Error::usage(format!("{} is not an Ed25519 key in PKCS#8 PEM", path.display()))
                .help("make one with `aqr key new NAME`")
        };
        let text = String::from_utf8(bytes).map_err(|_| wrong())?;
        SigningKey::from_pkcs8_pem(&text).map(Key).map_err(|_| wrong())
    }

    /// Writes the key to a new file.
    pub fn write(&self, disk: &dyn Disk, path: &Path) -> Result<()> {
        let pem = self.0.to_pkcs8_pem(LineEnding::LF);
        let pem = pem.map_err(|_| Error::internal("a key has no PEM form"))?;
        if let Some(parent) = path.parent() {
            disk.create_dir(parent).map_err(|e| Error::io("create", parent, &e))?;
        }
        disk.replace(path, pem.as_bytes(), true).map_err(|e| Error::io("write", path, &e))
    }

    /// The key in a file, which is made if there is none. Says whether it was made.
    pub fn read_or_make(
        disk: &dyn Disk,
        path: &Path,
        random: &mut dyn Random,
    ) -> Result<(Key, bool)> {
        match disk.read(path) {
            Ok(_) => Key::read(disk, path).map(|key| (key, false)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = Key::generate(random);
                key.write(disk, path)?;
                Ok((key, true))
            }
            Err(error) => Err(Error::io("read", path, &error)),
        }
    }
}

/// A signature from its 128 hex digits.
pub fn bytes64(hex: &str) -> Option<[u8; 64]> {
    let (left, right) = hex.split_at_checked(64)?;
    let halves = [Bytes32::from_hex(left)?.0, Bytes32::from_hex(right)?.0];
    halves.concat().try_into().ok()
}

/// A signature as 128 hex digits.
pub fn hex64(signature: &[u8; 64]) -> String {
    signature.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a signature is good: the strict check, which all hosts agree on.
pub fn is_signed(key: &Bytes32, message: &[u8], signature: &[u8; 64]) -> bool {
    let Ok(key) = VerifyingKey::from_bytes(&key.0) else { return false };
    key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
}

/// The file of the host's key.
pub fn host_path(store: &Path) -> PathBuf {
    store.join("keys").join("host.pem")
}

/// The file of the key that a store made for a role.
pub fn development_path(store: &Path, role: &str) -> PathBuf {
    store.join("keys").join(format!("dev-{role}.pem"))
}

/// The directory of people's keys: `$XDG_CONFIG_HOME/aqo/keys`, or `~/.config/aqo/keys`.
#[expect(clippy::disallowed_methods, reason = "people's keys are where their environment says")]
pub fn people_directory() -> Option<PathBuf> {
    let configured = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    Some(configured.filter(|path| path.is_absolute()).or_else(home)?.join("aqo").join("keys"))
}
