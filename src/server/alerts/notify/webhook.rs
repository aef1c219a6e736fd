//! Webhook notifications: JSON, posted to a URL. docs/notifications.md describes the format.

use super::{DeliveryId, Notification, NotifyError, Outbound, Secret, WebUrl};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    pub url: WebUrl,
    /// Sent as `Authorization: Bearer`.
    #[serde(default)]
    pub token: Option<Secret>,
}

impl Webhook {
    pub(super) async fn send(
        &self,
        notification: &Notification,
        delivery: DeliveryId,
        outbound: &Outbound,
    ) -> Result<(), NotifyError> {
        let json = serde_json::to_vec(notification).expect("a notification serializes to JSON");
        let headers = [("quaylight-delivery", delivery.to_string())];
        outbound.post(&self.url, self.token.as_ref(), &headers, json).await
    }
}
