//! Transfer tasks: pull and push images, import and export them as files.

use super::Report;
use crate::{
    message,
    model::{ImageName, Message, Pull, TaskPart},
    server::{
        engine::{Context, EngineError, LayerPhase, Word, WritableEngine},
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
) -> Result<Message, ActionError> {
    let credentials = registries.of(name).await;
    let mut layers = Layers::default();
    let mut result = None;
    let each = |word| match word {
        Word::Pulled(message) => result = Some(message),
        word => layers.hear(word, report),
    };
    engine.pull(name, options, credentials.as_ref(), each).await?;
    Ok(result.unwrap_or_else(|| message!("{name} is ready", name)))
}

pub(super) async fn push(
    engine: &WritableEngine,
    registries: &Registries,
    name: &ImageName,
    report: &Report,
) -> Result<Message, ActionError> {
    let credentials = registries.of(name).await;
    let mut layers = Layers::default();
    engine.push(name, credentials.as_ref(), |word| layers.hear(word, report)).await?;
    Ok(message!("Pushed {name}", name))
}

/// Imports all images of a tar. The output at the end names them.
pub async fn import(engine: &WritableEngine, tar: Context, report: &Report) -> Result<Message, ActionError> {
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
        word => layers.hear(word, report),
    };
    engine.import(tar, each).await?;
    Ok(match loaded.len() {
        0 => message!("No image found in the archive"),
        1..=3 => message!("Imported {names}", names = loaded.join(", ")),
        count => message!("Imported {count} images", count),
    })
}

/// Completes when the browser has received everything, and fails when it disconnects. A complete export ends with `Ok(None)`.
pub async fn export(
    mut tar: impl Stream<Item = Result<Bytes, EngineError>> + Send + Unpin,
    sender: mpsc::Sender<Result<Option<Bytes>, io::Error>>,
    report: Report,
) -> Result<Message, ActionError> {
    report.words(message!("Downloading"));
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
    Ok(message!("Downloaded"))
}

fn broken_off() -> ActionError {
    ActionError::new(ErrorKind::Conflict, message!("Download interrupted"))
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
    fn hear(&mut self, word: Word, report: &Report) {
        match word {
            Word::Part { id, step, done, total } => {
                let layer = self.0.entry(id.clone()).or_default();
                layer.step(step.phase, done, total);
                let (is_over, progress) = (layer.is_over, self.progress());
                report.part(TaskPart { id: Message::verbatim(id), step: step.message, is_over, done, total });
                report.progress(progress.0, progress.1, progress.2);
            }
            Word::Status(words) => report.words(Message::Verbatim(words)),
            Word::Pulled(message) => report.words(message),
            Word::Output(text) => report.output(&text),
            // Only builds have steps.
            Word::Step { .. } => {}
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
    fn step(&mut self, phase: LayerPhase, done: u64, total: u64) {
        match phase {
            LayerPhase::Transferring => {
                self.total = self.total.max(total);
                self.came = done.min(self.total);
            }
            LayerPhase::Extracting => {
                self.total = self.total.max(total);
                (self.came, self.unpacked) = (self.total, done.min(self.total));
            }
            LayerPhase::Transferred => self.came = self.total,
            LayerPhase::Complete => {
                (self.came, self.unpacked, self.is_over) = (self.total, self.total, true);
            }
            LayerPhase::Mounted => self.is_over = true,
            LayerPhase::Other => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::engine::LayerStep;

    #[test]
    fn progress_is_complete_only_after_all_layers_are_done() {
        let mut layers = Layers::default();
        let mut tell = |id: &str, step: &str, done, total| {
            layers.0.entry(id.to_owned()).or_default().step(LayerStep::parse(step).phase, done, total);
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
