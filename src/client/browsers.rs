//! What only a browser has, kept by pages that the server draws as well. There a page goes from thread to thread while it is
//! drawn, and what belongs to one thread must not come into being.

use leptos::prelude::*;
use send_wrapper::SendWrapper;

/// A value, once there is one.
pub struct Browsers<T: 'static>(StoredValue<Option<SendWrapper<T>>>);

impl<T> Clone for Browsers<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Browsers<T> {}

impl<T> Default for Browsers<T> {
    fn default() -> Self {
        Self(StoredValue::new(None))
    }
}

impl<T> Browsers<T> {
    /// What was there before is dropped.
    pub fn set(self, value: Option<T>) {
        self.0.try_set_value(value.map(SendWrapper::new));
    }

    pub fn take(self) -> Option<T> {
        self.0.try_update_value(Option::take).flatten().map(SendWrapper::take)
    }
}

impl<T: Clone> Browsers<T> {
    pub fn get(self) -> Option<T> {
        self.0.try_get_value().flatten().map(SendWrapper::take)
    }
}
