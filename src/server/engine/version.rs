//! Docker Engine API versions, and the choice of a common one.

use super::EngineError;
use crate::message;
use std::{fmt, str::FromStr};

/// The highest version that Quaylight is tested with: Docker 28's.
const OURS: ApiVersion = ApiVersion { major: 1, minor: 51 };

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ApiVersion {
    major: u16,
    minor: u16,
}

impl ApiVersion {
    /// Returns the highest version that both Quaylight and the engine support. The engine refuses versions below `lowest`.
    ///
    /// # Errors
    /// [`EngineError::Version`] if `lowest` is above Quaylight's version.
    pub(super) fn common(highest: Self, lowest: Option<Self>) -> Result<Self, EngineError> {
        match lowest {
            Some(lowest) if lowest > OURS => Err(EngineError::Version(message!(
                "The engine requires API {lowest} or later, but this version of Quaylight uses {ours}. Update Quaylight.",
                lowest = lowest.to_string(),
                ours = OURS.to_string(),
            ))),
            _ => Ok(highest.min(OURS)),
        }
    }
}

impl FromStr for ApiVersion {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (major, minor) = text.split_once('.').ok_or(())?;
        Ok(Self { major: major.parse().map_err(drop)?, minor: minor.parse().map_err(drop)? })
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(highest: &str, lowest: &str) -> Result<String, String> {
        let lowest = lowest.parse().ok();
        ApiVersion::common(highest.parse().unwrap(), lowest).map(|it| it.to_string()).map_err(|it| it.to_string())
    }

    #[test]
    fn highest_common_api_version_is_negotiated() {
        assert_eq!(spoken("1.41", "1.12").as_deref(), Ok("1.41"));
        assert_eq!(spoken("1.51", "1.24").as_deref(), Ok("1.51"));
        assert_eq!(spoken("1.55", "1.44").as_deref(), Ok("1.51"));
        // Compared as numbers, not as text.
        assert_eq!(spoken("1.9", "").as_deref(), Ok("1.9"));
        assert_eq!(spoken("2.0", "1.44").as_deref(), Ok("1.51"));
    }

    #[test]
    fn too_new_engine_is_rejected_with_a_hint() {
        let words = spoken("1.60", "1.52").unwrap_err();
        assert_eq!(
            words,
            "The engine requires API 1.52 or later, but this version of Quaylight uses 1.51. Update Quaylight."
        );
    }
}
