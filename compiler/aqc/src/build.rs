//! `aqc build`: a checked object to its component.

use crate::check::Object;
use aqo_compiler::emit::Options;
use aqo_compiler::model::artifact::Source;
use aqo_compiler::model::value::Bytes32;
use aqo_runtime::error::{Error, Result};
use std::path::Path;

/// The component of an object.
pub(crate) fn component(object: &Object, strip_source: bool) -> Result<Vec<u8>> {
    let digest = Bytes32(*blake3::hash(object.text.as_bytes()).as_bytes());
    let text = (!strip_source).then(|| object.text.clone());
    let options =
        Options { source: Some(Source { digest, text }), docs: object.model.docs().to_vec() };
    aqo_compiler::emit::component(object.model.model(), &options)
        .map_err(|error| Error::internal(format!("{} could not be lowered: {error}", object.name)))
}

/// Writes a file whole or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    use aqo_runtime::environment::{Disk, RealDisk};
    RealDisk.replace(path, bytes, false).map_err(|e| Error::io("write", path, &e))
}
