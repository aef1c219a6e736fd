//! How fast changes are taken in: at once as long as they are few, once a frame when they are many.
//!
//! A quiet change must not wait for a frame. Two hundred a second must not each cause a layout of their own. And a page
//! never falls behind: what waits for a frame is taken in with it, however much it is.

use super::{clock, storm::Storm};
use futures::{FutureExt, channel::oneshot, pin_mut, select_biased};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::{document, request_animation_frame};

/// Steps that are taken in at once within one frame's time.
const AT_ONCE: u32 = 4;

/// A frame's time, in microseconds.
const FRAME: i64 = 16_000;

/// The part of a frame's time that may go into taking in what had to wait for it.
const BUSY: i64 = 8_000;

/// A tab that is being hidden gets no more frames; this is its last one, in milliseconds.
const HIDDEN_FRAME: u32 = 100;

pub(super) struct Pace {
    began: i64,
    steps: u32,
    /// In the frame that was waited for.
    catching_up: bool,
    storm: Storm,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { began: 0, steps: 0, catching_up: false, storm: Storm::default() }
    }

    /// Counts a step; returns when the next may be taken in.
    pub(super) async fn step(&mut self) {
        self.storm.change();
        let now = clock().micros();
        if now - self.began > FRAME {
            (self.began, self.steps, self.catching_up) = (now, 0, false);
        }
        self.steps += 1;
        let may_go_on = if self.catching_up { now - self.began < BUSY } else { self.steps < AT_ONCE };
        // A hidden tab paints nothing, and its timers may stand still for a minute.
        if may_go_on || document().hidden() {
            return;
        }
        next_frame().await;
        (self.began, self.catching_up) = (clock().micros(), true);
    }
}

/// Until the browser is about to paint.
async fn next_frame() {
    let (sender, receiver) = oneshot::channel();
    request_animation_frame(move || {
        let _ = sender.send(());
    });
    let (frame, hidden) = (receiver.fuse(), TimeoutFuture::new(HIDDEN_FRAME).fuse());
    pin_mut!(frame, hidden);
    select_biased! {
        _ = frame => {}
        () = hidden => {}
    }
}
