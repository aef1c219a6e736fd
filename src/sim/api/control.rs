//! `/_sim`: controls that no real engine has. They return the actual state and switch faults and churn.

use super::{
    answer::{Answer, empty, json},
    api_request::read_json,
};
use crate::sim::{
    Sim, Truth,
    faults::{Fault, Switches},
};
use axum::body::Body;
use serde::Deserialize;

pub fn truth(sim: &Sim) -> Answer {
    json(&Truth::of(sim))
}

pub async fn switch_on(sim: &Sim, body: Body) -> Answer {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Faults {
        Many(Vec<Fault>),
        One(Fault),
    }
    let wanted = match read_json(body).await? {
        Faults::Many(many) => many,
        Faults::One(one) => vec![one],
    };
    wanted.into_iter().for_each(|fault| Switches(sim).switch_on(fault));
    list_faults(sim)
}

pub fn switch_all_off(sim: &Sim) -> Answer {
    Switches(sim).switch_all_off();
    empty()
}

pub fn list_faults(sim: &Sim) -> Answer {
    json(&Switches(sim).list())
}

/// Takes `{"per_second": 20}`; 0 pauses the churn.
pub async fn churn(sim: &Sim, body: Body) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        per_second: f64,
    }
    let wanted: Wanted = read_json(body).await?;
    sim.churn.send_replace(wanted.per_second);
    empty()
}
