//! The binary `aqc`: the compiler, and the bundled runtime behind `run` and `test`.

mod build;
mod check;
mod commands;
mod cover;
mod diff;
mod doc;
mod fix;
mod fmt;
mod inspect;
mod junit;
mod levels;
mod lock;
mod new;
mod project;
mod replace;
mod test;
mod watch;

use aqo_runtime::error::Error;
use aqo_runtime::present::flushed;
use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = commands::Arguments::parse();
    // Deep programs need more stack than a main thread has.
    let worker = std::thread::Builder::new()
        .stack_size(aqo_compiler::db::STACK_BYTES)
        .spawn(|| commands::execute(arguments).and_then(|()| flushed()));
    let result = match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Error::internal("a fault has been reported above")),
        Err(error) => Err(Error::internal(format!("no thread could be started: {error}"))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody may be listening.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
