//! Image build task: reports its steps and output as they arrive.

use super::Report;
use crate::{
    model::{Build, ImageName, TaskPart, line_of_step},
    server::{
        engine::{Context, StepState, Word, WritableEngine},
        registries::Registries,
    },
    wire::{ActionError, ErrorKind},
};
use std::collections::HashMap;

/// Longest name of a step, in characters.
const LONGEST_NAME: usize = 120;

/// Builds an image from a context that contains the Dockerfile.
pub async fn build(
    engine: &WritableEngine,
    registries: &Registries,
    name: &ImageName,
    build: &Build,
    context: Context,
    report: &Report,
) -> Result<String, ActionError> {
    let credentials = registries.all().await;
    let (context, beginning) = context.with_beginning();
    let mut steps = Steps::default();
    let each = |word| match word {
        Word::Output(text) => {
            if let Some((step, permille)) = step_of(&text) {
                report.words(step);
                report.progress(permille, 0, 0);
            }
            report.output(&text);
        }
        Word::Step { name, state } => {
            steps.note(&name, state);
            report.part(part(&name, state));
            if state == StepState::Running {
                report.words(in_words(&name));
            }
            report.progress(steps.permille(), 0, 0);
        }
        Word::Status(text) => report.output(&format!("{text}\n")),
        // A layer of a base image.
        Word::Part { id, step, .. } if step == "Pull complete" => report.output(&format!("{id}: {step}\n")),
        Word::Part { id, step, done, total } => {
            let is_over = step.ends_with("complete");
            report.part(TaskPart { id, step, is_over, done, total });
        }
    };
    let built = engine.build(name, build, &credentials, context, each).await.map_err(ActionError::from);
    built.map_err(|error| match error.kind {
        ErrorKind::Engine if error.hint.is_none() => {
            let path = build.dockerfile_path.as_deref().unwrap_or("Dockerfile");
            error.hint(steps.hint(&beginning.text_of(path).unwrap_or_default()))
        }
        _ => error,
    })?;
    Ok(format!("Built {name}"))
}

/// BuildKit's steps, by name.
#[derive(Default)]
struct Steps {
    states: HashMap<String, StepState>,
    failed: Option<String>,
}

impl Steps {
    fn note(&mut self, name: &str, state: StepState) {
        if state == StepState::Failed {
            self.failed.get_or_insert_with(|| name.to_owned());
        }
        self.states.insert(name.to_owned(), state);
    }

    /// Progress over the known steps, which are nearly all soon after the start.
    fn permille(&self) -> u16 {
        let over = self.states.values().filter(|state| state.is_over()).count();
        u16::try_from(over * 1000 / self.states.len().max(1)).unwrap_or(1000)
    }

    fn hint(&self, dockerfile: &str) -> String {
        let failed = self.failed.as_ref().and_then(|name| Some((name, line_of_step(dockerfile, name)?)));
        match failed {
            Some((name, line)) => format!("Line {line} of the Dockerfile: {}", without_place(name)),
            None => "Check the last lines of the output to see which step failed.".to_owned(),
        }
    }
}

fn part(name: &str, state: StepState) -> TaskPart {
    let step = match state {
        StepState::Waiting => "Waiting",
        StepState::Running => "Running",
        StepState::Cached => "Cached",
        StepState::Done => "Done",
        StepState::Failed => "Failed",
    };
    let id = name.chars().take(LONGEST_NAME).collect();
    TaskPart { id, step: step.to_owned(), is_over: state.is_over(), done: 0, total: 0 }
}

/// "[stage 2/4] RUN make" in the format of the classic builder. Other names are returned unchanged.
fn in_words(name: &str) -> String {
    let rest: String = without_place(name).chars().take(LONGEST_NAME).collect();
    let place = name.strip_prefix('[').and_then(|it| it.split_once("] ")).map(|(place, _)| place);
    let place = place.and_then(|place| place.rsplit(' ').next()?.split_once('/'));
    match place {
        Some((number, of)) => format!("Step {number} of {of}: {rest}"),
        None => rest,
    }
}

fn without_place(name: &str) -> &str {
    name.strip_prefix('[').and_then(|it| it.split_once("] ")).map_or(name, |(_, rest)| rest)
}

/// Parses "Step 2/5 : RUN make" into the step's text and the progress in thousandths.
fn step_of(text: &str) -> Option<(String, u16)> {
    let line = text.lines().find(|line| line.starts_with("Step "))?;
    let (at, rest) = line.strip_prefix("Step ")?.split_once(" : ")?;
    let (number, of) = at.split_once('/')?;
    let (number, of): (u32, u32) = (number.parse().ok()?, of.parse().ok()?);
    let permille = number.saturating_sub(1) * 1000 / of.max(1);
    let rest: String = rest.chars().take(LONGEST_NAME).collect();
    Some((format!("Step {number} of {of}: {rest}"), u16::try_from(permille).unwrap_or(1000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_step_is_parsed_with_its_progress() {
        assert_eq!(step_of("Step 2/5 : RUN make\n"), Some(("Step 2 of 5: RUN make".into(), 200)));
        assert_eq!(step_of(" ---> Running in 0123\n"), None);
        assert_eq!(step_of("Step x/y : z"), None);
        assert_eq!(in_words("[stage-0 2/5] RUN make"), "Step 2 of 5: RUN make");
        assert_eq!(in_words("[2/5] RUN make"), "Step 2 of 5: RUN make");
        assert_eq!(in_words("[internal] load metadata for x"), "load metadata for x");
        assert_eq!(in_words("exporting to image"), "exporting to image");
    }

    #[test]
    fn failed_step_maps_to_its_dockerfile_line() {
        let mut steps = Steps::default();
        steps.note("[2/3] RUN exit 7", StepState::Failed);
        steps.note("[1/3] FROM a", StepState::Done);
        assert_eq!(steps.hint("FROM a\n\nRUN exit 7\nRUN b\n"), "Line 3 of the Dockerfile: RUN exit 7");
        assert!(steps.hint("").starts_with("Check the last lines"));
        assert_eq!(steps.permille(), 1000);
    }
}
