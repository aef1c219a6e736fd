//! Storage for values that exist only in the browser, in components that the server renders too. On the server a page
//! moves between threads while it is rendered, so values bound to one thread must not be created there.

use leptos::prelude::*;
use send_wrapper::SendWrapper;

/// A value that is set only in the browser.
pub struct ClientOnly<T: 'static>(StoredValue<Option<SendWrapper<T>>>);

impl<T> Clone for ClientOnly<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ClientOnly<T> {}

impl<T> Default for ClientOnly<T> {
    fn default() -> Self {
        Self(StoredValue::new(None))
    }
}

impl<T> ClientOnly<T> {
    /// Drops the previous value.
    pub fn set(self, value: Option<T>) {
        self.0.try_set_value(value.map(SendWrapper::new));
    }

    pub fn take(self) -> Option<T> {
        self.0.try_update_value(Option::take).flatten().map(SendWrapper::take)
    }
}

impl<T: Clone> ClientOnly<T> {
    pub fn get(self) -> Option<T> {
        self.0.try_get_value().flatten().map(SendWrapper::take)
    }
}
