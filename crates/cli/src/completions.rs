//! `pep3118 completions`: prints a completion script. With the script, a shell completes commands, options and values.

use std::io::Write;

use clap::{Args, Command, CommandFactory as _};
use clap_complete::Shell;

use super::examples;
use super::failure::{Failure, Status};

/// Print the script with which a shell completes commands, options and values
///
/// For bash: pep3118 completions bash > ~/.local/share/bash-completion/completions/pep3118
#[derive(Debug, Args)]
#[command(after_long_help = examples::help("completions"))]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, out: &mut impl Write) -> Result<Status, Failure> {
        // `generate` panics if a write fails. Writing to a `Vec` cannot fail.
        let mut script = Vec::new();
        let mut command = super::CommandLine::command();
        clap_complete::generate(self.shell, &mut command, "pep3118", &mut script);
        out.write_all(&script)?;
        if self.shell == Shell::Fish {
            out.write_all(fish_arguments(&command).as_bytes())?;
        }
        Ok(Status::Done)
    }
}

/// Returns the lines of the fish script that complete positional arguments, such as `rules A04`. For fish,
/// `clap_complete` generates only the completion of options.
fn fish_arguments(command: &Command) -> String {
    let mut lines = String::new();
    for subcommand in command.get_subcommands() {
        let values = subcommand.get_positionals().flat_map(|argument| argument.get_value_parser().possible_values());
        let names: Vec<String> = values.flatten().map(|value| value.get_name().to_owned()).collect();
        if !names.is_empty() {
            let (name, names) = (subcommand.get_name(), names.join(" "));
            let condition = format!("__fish_pep3118_using_subcommand {name}");
            lines.push_str(&format!("complete -c pep3118 -n \"{condition}\" -f -a \"{names}\"\n"));
        }
    }
    lines
}
