//! Image build task: reports its steps and output as they arrive.

use super::Report;
use crate::{
    message,
    model::{Build, ImageName, Message, TaskPart, line_of_step},
    server::{
        engine::{BuildStep, Context, LayerPhase, StepState, Word, WritableEngine},
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
) -> Result<Message, ActionError> {
    let credentials = registries.all().await;
    let (context, beginning) = context.with_beginning();
    let mut steps = Steps::default();
    let each = |word| match word {
        Word::Output(text) => {
            if let Some(step) = BuildStep::in_output(&text) {
                report.words(step.message());
                report.progress(step.permille(), 0, 0);
            }
            report.output(&text);
        }
        Word::Step { name, state } => {
            steps.note(&name, state);
            report.part(part(&name, state));
            if state == StepState::Running {
                report.words(BuildStep::of_vertex(&name).message());
            }
            report.progress(steps.permille(), 0, 0);
        }
        Word::Status(text) => report.output(&format!("{text}\n")),
        // A layer of a base image.
        Word::Pulled(message) => report.output(&format!("{message}\n")),
        Word::Part { id, step, .. } if step.phase == LayerPhase::Complete => {
            report.output(&format!("{id}: {}\n", step.message));
        }
        Word::Part { id, step, done, total } => {
            let is_over = step.phase == LayerPhase::Transferred;
            report.part(TaskPart { id: Message::Verbatim(id), step: step.message, is_over, done, total });
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
    Ok(message!("Built {name}", name))
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

    fn hint(&self, dockerfile: &str) -> Message {
        let failed = self.failed.as_ref().and_then(|name| Some((name, line_of_step(dockerfile, name)?)));
        match failed {
            Some((name, line)) => {
                message!("Line {line} of the Dockerfile: {step}", line, step = BuildStep::of_vertex(name).instruction)
            }
            None => message!("Check the last lines of the output to see which step failed."),
        }
    }
}

fn part(name: &str, state: StepState) -> TaskPart {
    let step = match state {
        StepState::Waiting => message!("Waiting"),
        StepState::Running => message!("Running"),
        StepState::Cached => message!("Cached"),
        StepState::Done => message!("Done"),
        StepState::Failed => message!("Failed"),
    };
    let id = Message::Verbatim(name.chars().take(LONGEST_NAME).collect());
    TaskPart { id, step, is_over: state.is_over(), done: 0, total: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_step_maps_to_its_dockerfile_line() {
        let mut steps = Steps::default();
        steps.note("[2/3] RUN exit 7", StepState::Failed);
        steps.note("[1/3] FROM a", StepState::Done);
        assert_eq!(steps.hint("FROM a\n\nRUN exit 7\nRUN b\n"), "Line 3 of the Dockerfile: RUN exit 7");
        assert!(steps.hint("").to_string().starts_with("Check the last lines"));
        assert_eq!(steps.permille(), 1000);
    }
}
