//! `/_sim`: what no engine has. The truth, to compare with.

use super::answer::{Answer, json};
use crate::sim::{Sim, Truth};

pub fn truth(sim: &Sim) -> Answer {
    json(&Truth::of(sim))
}
