//! An image that is built: its output is told as it comes.

use super::Report;
use crate::{
    model::{Build, ImageName},
    server::{
        engine::{Context, Engine, Word},
        registries::Registries,
    },
    wire::{ActionError, ErrorKind},
};

/// From a context with a Dockerfile in it.
pub async fn build(
    engine: &Engine,
    registries: &Registries,
    name: &ImageName,
    build: &Build,
    context: Context,
    report: &Report,
) -> Result<String, ActionError> {
    let credentials = registries.all().await;
    let each = |word| match word {
        Word::Output(text) => {
            if let Some((step, permille)) = step_of(&text) {
                report.words(step);
                report.progress(permille, 0, 0);
            }
            report.output(&text);
        }
        Word::Status(text) => report.output(&format!("{text}\n")),
        // Of an image that it is built from.
        Word::Part { id, step, .. } if step.ends_with("complete") => report.output(&format!("{id}: {step}\n")),
        Word::Part { .. } => {}
    };
    let built = engine.build(name, build, &credentials, context, each).await.map_err(ActionError::from);
    built.map_err(|error| match error.kind {
        ErrorKind::Engine if error.hint.is_none() => error.hint("The last lines of its output say at which step."),
        _ => error,
    })?;
    Ok(format!("{name} is built"))
}

/// "Step 2/5 : RUN make": the words, and how far that is.
fn step_of(text: &str) -> Option<(String, u16)> {
    let line = text.lines().find(|line| line.starts_with("Step "))?;
    let (at, rest) = line.strip_prefix("Step ")?.split_once(" : ")?;
    let (number, of) = at.split_once('/')?;
    let (number, of): (u32, u32) = (number.parse().ok()?, of.parse().ok()?);
    let permille = number.saturating_sub(1) * 1000 / of.max(1);
    let rest: String = rest.chars().take(120).collect();
    Some((format!("Step {number} of {of}: {rest}"), u16::try_from(permille).unwrap_or(1000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_says_how_far_it_is() {
        assert_eq!(step_of("Step 2/5 : RUN make\n"), Some(("Step 2 of 5: RUN make".into(), 200)));
        assert_eq!(step_of(" ---> Running in 0123\n"), None);
        assert_eq!(step_of("Step x/y : z"), None);
    }
}
