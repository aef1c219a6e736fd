//! Steps of a build, as the builders name them.

use crate::{message, model::Message};

/// Maximum length of an instruction in a message, in characters.
const LONGEST_INSTRUCTION: usize = 120;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildStep<'a> {
    /// The step's number, and the number of steps.
    pub place: Option<(u32, u32)>,
    /// As in `RUN make`. May also be something that the builder does by itself, such as `exporting to image`.
    pub instruction: &'a str,
}

impl<'a> BuildStep<'a> {
    /// By BuildKit's name, such as `[stage 2/5] RUN make`.
    pub fn of_vertex(name: &'a str) -> Self {
        let Some((place, instruction)) = name.strip_prefix('[').and_then(|it| it.split_once("] ")) else {
            return Self { place: None, instruction: name };
        };
        Self { place: place.rsplit(' ').next().and_then(numbers), instruction }
    }

    /// In a piece of the classic builder's output, such as `Step 2/5 : RUN make`.
    pub fn in_output(text: &'a str) -> Option<Self> {
        let line = text.lines().find_map(|line| line.strip_prefix("Step "))?;
        let (place, instruction) = line.split_once(" : ")?;
        Some(Self { place: Some(numbers(place)?), instruction })
    }

    pub fn message(&self) -> Message {
        let instruction: String = self.instruction.chars().take(LONGEST_INSTRUCTION).collect();
        match self.place {
            Some((number, of)) => message!("Step {number} of {of}: {instruction}", number, of, instruction),
            None => Message::Verbatim(instruction),
        }
    }

    /// The share of the steps before this one, in thousandths.
    pub fn permille(&self) -> u16 {
        let (number, of) = self.place.unwrap_or_default();
        u16::try_from(number.saturating_sub(1).saturating_mul(1000) / of.max(1)).unwrap_or(1000)
    }
}

fn numbers(place: &str) -> Option<(u32, u32)> {
    let (number, of) = place.split_once('/')?;
    Some((number.parse().ok()?, of.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_both_builders_are_parsed() {
        let step = BuildStep::in_output("Step 2/5 : RUN make\n").unwrap();
        assert_eq!((step.message().to_string().as_str(), step.permille()), ("Step 2 of 5: RUN make", 200));
        assert_eq!(BuildStep::in_output(" ---> Running in 0123\n"), None);
        assert_eq!(BuildStep::in_output("Step x/y : z"), None);
        for (name, text) in [
            ("[stage-0 2/5] RUN make", "Step 2 of 5: RUN make"),
            ("[2/5] RUN make", "Step 2 of 5: RUN make"),
            ("[internal] load metadata for x", "load metadata for x"),
            ("exporting to image", "exporting to image"),
        ] {
            assert_eq!(BuildStep::of_vertex(name).message().to_string(), text);
        }
    }
}
