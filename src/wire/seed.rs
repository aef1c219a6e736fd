//! What the server's HTML carries so that the first render in the browser is the same.

use crate::model::{EngineState, Timestamp};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seed {
    pub epoch: u64,
    pub revision: u64,
    /// The server's clock: the `now` of every relative time in the first render.
    pub server_time: Timestamp,
    pub server_version: String,
    pub state: EngineState,
}

impl Seed {
    /// The id of the HTML element that holds it.
    pub const ELEMENT: &'static str = "seed";

    /// Text that can stand in HTML.
    pub fn to_text(&self) -> String {
        let bytes = postcard::to_allocvec(self).expect("seeds have no maps with unknown length");
        data_encoding::BASE64.encode(&bytes)
    }

    /// None when the text is no seed of this version.
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = data_encoding::BASE64.decode(text.trim().as_bytes()).ok()?;
        postcard::from_bytes(&bytes).ok()
    }
}
