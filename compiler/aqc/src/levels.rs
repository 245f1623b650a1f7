//! `-A`, `-W` and `-D` to levels, in the order in which they stand, over what `aqo.toml` says.
//!
//! Knows of clap that it tells where a flag stood; what a level means is the compiler's.

use crate::project::Project;
use aqo_compiler::levels::{Level, Levels};
use aqo_runtime::error::{Error, Result};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

/// The flags, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags(Vec<(Level, String)>);

/// Letter, long name, level, help.
const FLAGS: [(char, &str, Level, &str); 3] = [
    ('A', "allow", Level::Allow, "Do not show this warning, only count it; `warnings` are all"),
    ('W', "warn", Level::Warn, "Show this warning, whatever was said before"),
    ('D', "deny", Level::Deny, "Take this warning for an error; `warnings` are all"),
];

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        FLAGS.iter().fold(command, |command, (letter, name, _, help)| {
            command.arg(
                Arg::new(*name)
                    .short(*letter)
                    .long(*name)
                    .value_name("CODE")
                    .action(ArgAction::Append)
                    .help(*help),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Flags::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Flags, clap::Error> {
        let mut found: Vec<(usize, Level, String)> = Vec::new();
        for (_, name, level, _) in FLAGS {
            let values = matches.get_many::<String>(name).into_iter().flatten();
            let places = matches.indices_of(name).into_iter().flatten();
            found.extend(places.zip(values).map(|(at, word)| (at, level, word.clone())));
        }
        found.sort_by_key(|(at, _, _)| *at);
        Ok(Flags(found.into_iter().map(|(_, level, word)| (level, word)).collect()))
    }

    fn update_from_arg_matches(
        &mut self,
        matches: &ArgMatches,
    ) -> std::result::Result<(), clap::Error> {
        *self = Flags::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Flags {
    /// The levels of a project under these flags.
    pub(crate) fn levels(&self, project: &Project) -> Result<Levels> {
        let mut levels = Levels::default();
        levels.lint(&project.manifest.lint).map_err(|what| {
            let path = project.directory.join("aqo.toml");
            Error::usage(format!("{}, {what}", path.display()))
        })?;
        for (level, word) in &self.0 {
            levels.set(word, *level).map_err(|what| {
                let letter = FLAGS.iter().find(|(_, _, of, _)| of == level);
                Error::usage(format!("-{} {word}: {what}", letter.map_or('W', |flag| flag.0)))
                    .help("`aqc explain CODE` prints what a code means")
            })?;
        }
        Ok(levels)
    }
}
