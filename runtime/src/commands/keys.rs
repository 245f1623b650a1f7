//! The commands that need a key and no store: making one, and signing with it.

use super::{pair, read};
use aqo_model::text::{parse_duration, parse_instant};
use aqo_model::value::Bytes32;
use aqo_runtime::environment::{Clock, RealClock, RealDisk, RealRandom};
use aqo_runtime::error::{Error, Result};
use aqo_runtime::keys::{Key, people_directory};
use aqo_runtime::present::print;
use aqo_runtime::sign::Signer;
use clap::Args;
use std::path::{Path, PathBuf};

/// How long a message that is signed here is valid, unless the signer says: 1 h.
const LIFE: i64 = 3_600_000_000;
/// The same of a role that any key has: 1 min.
const OPEN_LIFE: i64 = 60_000_000;

#[derive(Args)]
pub(super) struct Sign {
    /// The component of the object.
    component: PathBuf,
    /// The message, or the reading of a signed input as INPUT=VALUE.
    what: String,
    /// What the message carries.
    #[arg(value_name = "NAME=VALUE", value_parser = pair)]
    values: Vec<(String, String)>,
    /// The id of the object, all 64 hex digits: `aqr ls --json` shows it.
    #[arg(long, value_name = "ID")]
    object: String,
    /// The role in whose name a message is; needed only where several may send it.
    #[arg(long = "as", value_name = "ROLE")]
    role: Option<String>,
    /// The key that signs it: a file, or the name of a key of yours.
    #[arg(long, value_name = "KEY")]
    key: PathBuf,
    /// How often the role was bound anew: `aqr show` tells.
    #[arg(long, value_name = "N", default_value_t = 0)]
    epoch: u32,
    /// The counter of a message; otherwise the clock's microseconds, which grow as well.
    #[arg(long, value_name = "N")]
    counter: Option<u64>,
    /// How long a message is valid: `10min`, `7d`. Of a role that any key has, 1min.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    valid: Option<i64>,
    /// When it was so, or is signed, where that is not now: `2027-01-01T06:00:00Z`.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    at: Option<i64>,
}

fn duration(text: &str) -> std::result::Result<i64, String> {
    parse_duration(text).ok_or_else(|| format!("`{text}` is no duration; for example 1h30min"))
}

fn instant(text: &str) -> std::result::Result<i64, String> {
    let wrong = || format!("`{text}` is no instant; for example 2027-01-01T06:00:00Z");
    parse_instant(text).ok_or_else(wrong)
}

/// Signs what the arguments say, and prints it.
pub(super) fn sign(arguments: &Sign) -> Result<()> {
    let artifact = aqo_emit::read(&read(&arguments.component)?);
    let artifact = artifact
        .map_err(|error| Error::refused(format!("{}: {error}", arguments.component.display())))?;
    let wrong = || {
        Error::usage(format!("`{}` is no id of an object", arguments.object))
            .help("it has 64 hex digits; `aqr ls --json` shows it")
    };
    let object = Bytes32::from_hex(&arguments.object).ok_or_else(wrong)?;
    let key = person_key(&arguments.key)?;
    let now = arguments.at.unwrap_or_else(|| RealClock.now());
    let model = &artifact.model;
    let signer = Signer { model, object, key: &key, epoch: arguments.epoch, now };
    if let Some((input, value)) = arguments.what.split_once('=') {
        let life = arguments.valid.is_some() || arguments.counter.is_some();
        if !arguments.values.is_empty() || life || arguments.role.is_some() {
            return Err(Error::usage("a reading is one INPUT=VALUE, signed for its instant").help(
                "`--as`, `--valid` and `--counter` are for messages; sign each reading by itself",
            ));
        }
        print(&signer.reading(input, value, now)?.to_string());
        return Ok(());
    }
    let kind = model.schema.messages.iter().find(|message| message.name == arguments.what);
    let open = kind.is_some_and(|kind| model.is_open(kind));
    let life = arguments.valid.unwrap_or(if open { OPEN_LIFE } else { LIFE });
    let role = arguments.role.as_deref();
    let counted = (arguments.counter, life);
    let signed = signer.message(&arguments.what, &arguments.values, role, counted)?;
    let line = serde_json::to_string(&signed).map_err(|e| Error::internal(e.to_string()))?;
    print(&line);
    Ok(())
}

/// A key in a file, or one of the caller's by its name.
pub(super) fn person_key(named: &Path) -> Result<Key> {
    let kept = people_directory().map(|directory| directory.join(named).with_extension("pem"));
    match kept {
        Some(kept) if !named.is_file() && kept.exists() => Key::read(&RealDisk, &kept),
        Some(_) | None if named.is_file() => Key::read(&RealDisk, named),
        Some(_) | None => {
            let named = named.display();
            Err(Error::refused(format!("no key `{named}` is at hand"))
                .help("name its file, or a key that `aqr key new NAME` made"))
        }
    }
}

/// Makes a key that nobody has yet.
pub(super) fn make(name: &str, out: Option<PathBuf>) -> Result<()> {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if name.is_empty() || !is_plain {
        return Err(Error::usage(format!("`{name}` is no name for a key"))
            .help("use letters, digits, `-` and `_`"));
    }
    let path = match out {
        Some(path) => path,
        None => people_directory()
            .ok_or_else(|| {
                Error::usage("there is no configuration directory").help("say where: `--out FILE`")
            })?
            .join(format!("{name}.pem")),
    };
    if path.exists() {
        return Err(Error::refused(format!("{} exists", path.display()))
            .help("choose another name; a key is never overwritten"));
    }
    let key = Key::generate(&mut RealRandom);
    key.write(&RealDisk, &path)?;
    print(&format!("{}  {}", key.public(), path.display()));
    Ok(())
}
