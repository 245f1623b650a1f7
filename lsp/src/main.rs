//! The language server on standard input and output: `aqo-lsp`.
//!
//! Ends with 0 after a shutdown and with 1 where the client just went away. Knows nothing that the
//! library does not do.

use std::process::ExitCode;

fn main() -> ExitCode {
    match aqo_lsp::serve(std::io::stdin(), tokio::io::stdout) {
        Ok(aqo_lsp::Ending::Orderly) => ExitCode::SUCCESS,
        Ok(aqo_lsp::Ending::Abrupt) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("aqo-lsp cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}
