//! Refusals of the simulated engine, in Docker's terms.

/// Status and message of an error response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    /// Empty where the status is enough (304).
    pub message: String,
}

impl Refusal {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// The object already is in the requested state.
    pub fn not_modified() -> Self {
        Self::new(304, "")
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, message)
    }

    /// Real engines offer this; the simulator does not.
    pub fn not_offered() -> Self {
        Self::new(501, "not supported by the simulated engine")
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, message)
    }

    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(500, message)
    }
}
