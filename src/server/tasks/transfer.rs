//! Transfer tasks: pull and push images, import and export them as files.

use super::Report;
use crate::{
    model::{ImageName, Pull, TaskPart},
    server::{
        engine::{Context, EngineError, Word, WritableEngine},
        registries::Registries,
    },
    wire::{ActionError, ErrorKind},
};
use axum::body::Bytes;
use futures::{Stream, StreamExt};
use std::{collections::BTreeMap, io};
use tokio::sync::mpsc;

pub(super) async fn pull(
    engine: &WritableEngine,
    registries: &Registries,
    name: &ImageName,
    options: &Pull,
    report: &Report,
) -> Result<String, ActionError> {
    let credentials = registries.of(name).await;
    let mut layers = Layers::default();
    let mut status = String::new();
    let each = |word| {
        if let Some(words) = layers.hear(word, report) {
            status = words;
        }
    };
    engine.pull(name, options, credentials.as_ref(), each).await?;
    // Docker's final message, such as "Status: Image is up to date for web:1".
    Ok(status.strip_prefix("Status: ").map_or_else(|| format!("{name} is ready"), str::to_owned))
}

pub(super) async fn push(
    engine: &WritableEngine,
    registries: &Registries,
    name: &ImageName,
    report: &Report,
) -> Result<String, ActionError> {
    let credentials = registries.of(name).await;
    let mut layers = Layers::default();
    engine.push(name, credentials.as_ref(), |word| drop(layers.hear(word, report))).await?;
    Ok(format!("Pushed {name}"))
}

/// Imports all images of a tar. The output at the end names them.
pub async fn import(engine: &WritableEngine, tar: Context, report: &Report) -> Result<String, ActionError> {
    let mut layers = Layers::default();
    let mut loaded = Vec::new();
    let each = |word| match word {
        Word::Output(text) => {
            loaded.extend(
                text.lines()
                    .filter_map(|line| line.strip_prefix("Loaded image"))
                    .map(|it| it.trim_start_matches(" ID").trim_start_matches(':').trim().to_owned()),
            );
            report.output(&text);
        }
        word => drop(layers.hear(word, report)),
    };
    engine.import(tar, each).await?;
    Ok(match loaded.len() {
        0 => "No image found in the archive".to_owned(),
        1..=3 => format!("Imported {}", loaded.join(", ")),
        count => format!("Imported {count} images"),
    })
}

/// Completes when the browser has received everything, and fails when it disconnects. A complete export ends with `Ok(None)`.
pub async fn export(
    mut tar: impl Stream<Item = Result<Bytes, EngineError>> + Send + Unpin,
    sender: mpsc::Sender<Result<Option<Bytes>, io::Error>>,
    report: Report,
) -> Result<String, ActionError> {
    report.words("Downloading");
    let mut bytes = 0;
    loop {
        let piece = tokio::select! {
            piece = tar.next() => piece,
            // The browser disconnected while the engine sent nothing.
            () = sender.closed() => return Err(broken_off()),
        };
        let Some(piece) = piece else { break };
        match piece {
            Ok(piece) => {
                bytes += piece.len() as u64;
                report.progress(0, bytes, 0);
                if sender.send(Ok(Some(piece))).await.is_err() {
                    return Err(broken_off());
                }
            }
            Err(error) => {
                // Otherwise the browser would take the file as complete.
                let _ = sender.send(Err(io::Error::other(error.to_string()))).await;
                return Err(error.into());
            }
        }
    }
    sender.send(Ok(None)).await.map_err(|_| broken_off())?;
    Ok("Downloaded".to_owned())
}

fn broken_off() -> ActionError {
    ActionError::new(ErrorKind::Conflict, "Download interrupted")
}

/// The layers of an image, with their progress.
#[derive(Default)]
struct Layers(BTreeMap<String, Layer>);

/// In bytes. Layers are unpacked after the download: each counts as half of the progress.
#[derive(Default, Clone, Copy)]
struct Layer {
    came: u64,
    unpacked: u64,
    total: u64,
    is_over: bool,
}

impl Layers {
    /// Returns the status of the image as a whole.
    fn hear(&mut self, word: Word, report: &Report) -> Option<String> {
        match word {
            Word::Part { id, step, done, total } => {
                let layer = self.0.entry(id.clone()).or_default();
                layer.step(&step, done, total);
                let (is_over, progress) = (layer.is_over, self.progress());
                report.part(TaskPart { id, step, is_over, done, total });
                report.progress(progress.0, progress.1, progress.2);
                None
            }
            Word::Status(words) => {
                report.words(words.clone());
                Some(words)
            }
            Word::Output(text) => {
                report.output(&text);
                None
            }
            // Only builds have steps.
            Word::Step { .. } => None,
        }
    }

    /// Progress in thousandths, received bytes, and total bytes as far as they are known.
    fn progress(&self) -> (u16, u64, u64) {
        let sum = |read: fn(&Layer) -> u64| self.0.values().map(read).sum::<u64>();
        let (came, unpacked, total) = (sum(|it| it.came), sum(|it| it.unpacked), sum(|it| it.total));
        let known = if total == 0 { 0 } else { (came + unpacked) * 1000 / (2 * total) };
        // Scaled down by the share of layers with known sizes.
        let begun = self.0.values().filter(|it| it.total > 0 || it.is_over).count() as u64;
        let all = (self.0.len() as u64).max(1);
        (u16::try_from(known * begun / all).unwrap_or(1000), came, total)
    }
}

impl Layer {
    /// Takes the engine's status texts of pulls and pushes.
    fn step(&mut self, step: &str, done: u64, total: u64) {
        match step {
            "Downloading" | "Pushing" | "Loading layer" => {
                self.total = self.total.max(total);
                self.came = done.min(self.total);
            }
            "Extracting" => {
                self.total = self.total.max(total);
                (self.came, self.unpacked) = (self.total, done.min(self.total));
            }
            "Verifying Checksum" | "Download complete" => self.came = self.total,
            "Pull complete" | "Already exists" | "Pushed" | "Layer already exists" => {
                (self.came, self.unpacked, self.is_over) = (self.total, self.total, true);
            }
            _ if step.starts_with("Mounted from") => self.is_over = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_complete_only_after_all_layers_are_done() {
        let mut layers = Layers::default();
        let mut tell = |id: &str, step: &str, done, total| {
            layers.0.entry(id.to_owned()).or_default().step(step, done, total);
            layers.progress()
        };
        tell("a", "Pulling fs layer", 0, 0);
        assert_eq!(tell("b", "Pulling fs layer", 0, 0), (0, 0, 0));
        assert_eq!(tell("a", "Downloading", 50, 100), (125, 50, 100));
        assert_eq!(tell("b", "Downloading", 100, 100), (375, 150, 200));
        assert_eq!(tell("a", "Download complete", 0, 0), (500, 200, 200));
        assert_eq!(tell("a", "Extracting", 50, 100), (625, 200, 200));
        tell("a", "Pull complete", 0, 0);
        assert_eq!(tell("b", "Pull complete", 0, 0), (1000, 200, 200));
    }
}
