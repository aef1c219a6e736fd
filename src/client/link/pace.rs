//! How fast changes are taken in: at once as long as they are few, once a frame when they are many.
//!
//! A quiet change must not wait for a frame. Two hundred a second must not each cause a layout of their own.

use super::clock;
use futures::{FutureExt, channel::oneshot, pin_mut, select_biased};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::request_animation_frame;

/// Steps that are taken in at once within one frame's time.
const AT_ONCE: u32 = 4;

/// A frame's time, in microseconds.
const FRAME: i64 = 16_000;

/// Hidden tabs have no frames; this is theirs, in milliseconds.
const HIDDEN_FRAME: u32 = 100;

pub(super) struct Pace {
    began: i64,
    steps: u32,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { began: 0, steps: 0 }
    }

    /// Counts a step; true when the next has to wait for a frame.
    pub(super) fn step(&mut self) -> bool {
        let now = clock().micros();
        if now - self.began > FRAME {
            (self.began, self.steps) = (now, 0);
        }
        self.steps += 1;
        self.steps >= AT_ONCE
    }
}

/// Until the browser is about to paint.
pub(super) async fn next_frame() {
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
