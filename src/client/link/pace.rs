//! Pacing of incoming changes: applied at once while they are few, once per frame when they are many.
//!
//! A single change must not wait for a frame. Two hundred changes per second must not each cause a separate layout. And
//! a page never falls behind: all changes that wait for a frame are applied with it, however many they are.

use super::{churn::Churn, clock};
use futures::{FutureExt, channel::oneshot, pin_mut, select_biased};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::{document, request_animation_frame};

/// Steps that are applied at once within one frame's time.
const AT_ONCE: u32 = 4;

/// A frame's time, in microseconds.
const FRAME: i64 = 16_000;

/// The part of a frame's time that may be spent on applying the changes that waited for it.
const BUSY: i64 = 8_000;

/// Timeout for a frame, in milliseconds: a tab that is being hidden gets no more frames.
const HIDDEN_FRAME: u32 = 100;

pub(super) struct Pace {
    began: i64,
    steps: u32,
    /// Whether the current steps are applied in a frame that was waited for.
    catching_up: bool,
    churn: Churn,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { began: 0, steps: 0, catching_up: false, churn: Churn::default() }
    }

    /// Counts a step, and returns when the next one may be applied.
    pub(super) async fn step(&mut self) {
        self.churn.change();
        let now = clock().micros();
        if now - self.began > FRAME {
            (self.began, self.steps, self.catching_up) = (now, 0, false);
        }
        self.steps += 1;
        let may_go_on = if self.catching_up { now - self.began < BUSY } else { self.steps < AT_ONCE };
        // A hidden tab paints nothing, and the browser may suspend its timers for a minute.
        if may_go_on || document().hidden() {
            return;
        }
        next_frame().await;
        (self.began, self.catching_up) = (clock().micros(), true);
    }
}

/// Waits until the browser is about to paint.
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
