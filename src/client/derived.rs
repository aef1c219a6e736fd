//! Values that follow others, all in one type of memo and of effect.
//!
//! The framework's memo builds code of its own for each type of value and each closure, three kilobytes at a time, and a
//! page has dozens of them. These keep their values behind one type and their closures in boxes, as `views/widgets/live.rs`
//! does for what is drawn.

use leptos::{
    prelude::*,
    reactive::graph::{Subscriber, ToAnySubscriber},
};
use std::{any::Any, marker::PhantomData, sync::Arc};

/// A value of whatever type, to be compared with one of the same.
pub trait Comparable: Send + Sync {
    fn is(&self, other: &dyn Comparable) -> bool;
    fn as_any(&self) -> &dyn Any;
}

impl<T: PartialEq + Send + Sync + 'static> Comparable for T {
    fn is(&self, other: &dyn Comparable) -> bool {
        other.as_any().downcast_ref() == Some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[derive(Clone)]
struct Value(Arc<dyn Comparable>);

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        (*self.0).is(&*other.0)
    }
}

type Compute = Box<dyn Fn(Option<&Value>) -> Value + Send + Sync>;

fn boxed<T: PartialEq + Send + Sync + 'static>(compute: impl Fn(Option<&T>) -> T + Send + Sync + 'static) -> Compute {
    Box::new(move |before| Value(Arc::new(compute(before.and_then(|it| (*it.0).as_any().downcast_ref())))))
}

fn read<T: 'static, U>(value: &Value, read: impl FnOnce(&T) -> U) -> U {
    read((*value.0).as_any().downcast_ref().expect("its type is that of what computes it"))
}

/// What `compute` makes of the signals that it reads. Wakes its readers only with another value.
pub fn derived<T: PartialEq + Send + Sync + 'static>(compute: impl Fn() -> T + Send + Sync + 'static) -> Derived<T> {
    derived_from(move |_| compute())
}

/// Likewise, with what it was before.
pub fn derived_from<T: PartialEq + Send + Sync + 'static>(
    compute: impl Fn(Option<&T>) -> T + Send + Sync + 'static,
) -> Derived<T> {
    Derived(Memo::new(boxed(compute)), PhantomData)
}

/// Runs when it is made, in the browser alone, and again when a signal changes that it has read.
pub fn effect(run: impl FnMut() + 'static) {
    let run: Box<dyn FnMut()> = Box::new(run);
    Effect::new(run);
}

/// Lives as long as its owner.
pub struct Derived<T>(Memo<Value>, PhantomData<fn() -> T>);

impl<T> Clone for Derived<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Derived<T> {}

impl<T: 'static> Derived<T> {
    pub fn with<U>(self, look: impl FnOnce(&T) -> U) -> U {
        read(&self.0.get(), look)
    }

    pub fn get(self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    /// Without subscribing.
    pub fn with_untracked<U>(self, look: impl FnOnce(&T) -> U) -> U {
        read(&self.0.get_untracked(), look)
    }

    pub fn get_untracked(self) -> T
    where
        T: Clone,
    {
        self.with_untracked(T::clone)
    }

    /// None when its owner is gone.
    pub fn try_with_untracked<U>(self, look: impl FnOnce(&T) -> U) -> Option<U> {
        self.0.try_get_untracked().map(|value| read(&value, look))
    }

    pub fn track(self) {
        self.0.track();
    }
}

/// Lives as long as somebody holds it.
pub struct ArcDerived<T>(ArcMemo<Value>, PhantomData<fn() -> T>);

impl<T> Clone for ArcDerived<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<T: 'static> ArcDerived<T> {
    pub fn with<U>(&self, look: impl FnOnce(&T) -> U) -> U {
        read(&self.0.get(), look)
    }

    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    /// Without subscribing.
    pub fn get_untracked(&self) -> T
    where
        T: Clone,
    {
        read(&self.0.get_untracked(), T::clone)
    }
}

/// A value that the signals it reads forget as soon as its owner goes. A signal keeps a trace of every reader it ever had,
/// gone or not: of rows that come and go under a clock and a selection that stay, a page would remember each for ever.
pub fn leaving_no_trace<T: PartialEq + Send + Sync + 'static>(
    compute: impl Fn() -> T + Send + Sync + 'static,
) -> ArcDerived<T> {
    let memo = ArcMemo::new(boxed(move |_| compute()));
    let reader = memo.clone();
    on_cleanup(move || {
        let reader = reader.to_any_subscriber();
        reader.clear_sources(&reader);
    });
    ArcDerived(memo, PhantomData)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_wake_with_another_value_only() {
        let owner = Owner::new();
        owner.with(|| {
            let (number, computed) = (RwSignal::new(1), StoredValue::new(0));
            let is_even = derived(move || number.get() % 2 == 0);
            let words = derived_from(move |before: Option<&String>| {
                computed.update_value(|it| *it += 1);
                format!("{}{}", before.map_or("", |it| it.as_str()), if is_even.get() { "even " } else { "odd " })
            });
            assert_eq!(words.get(), "odd ");
            number.set(3);
            assert_eq!((words.get(), computed.get_value()), ("odd ".to_owned(), 1));
            number.set(4);
            assert_eq!((words.get(), computed.get_value()), ("odd even ".to_owned(), 2));
        });
    }
}
