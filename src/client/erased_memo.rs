//! Type-erased memos and effects.
//!
//! The framework's memo generates three kilobytes of code for each value type and each closure, and a page has dozens
//! of them. These memos keep their values behind one type and their closures in boxes, as `views/widgets/boxed.rs` does
//! for views.

use leptos::{
    prelude::*,
    reactive::graph::{Subscriber, ToAnySubscriber},
};
use std::{any::Any, marker::PhantomData, sync::Arc};

/// A value of any type, comparable with another of the same type.
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

/// A memo of the result of `compute`. Notifies its subscribers only when the value changes.
pub fn erased_memo<T: PartialEq + Send + Sync + 'static>(
    compute: impl Fn() -> T + Send + Sync + 'static,
) -> ErasedMemo<T> {
    erased_memo_from(move |_| compute())
}

/// Like [`erased_memo`], but `compute` receives the previous value.
pub fn erased_memo_from<T: PartialEq + Send + Sync + 'static>(
    compute: impl Fn(Option<&T>) -> T + Send + Sync + 'static,
) -> ErasedMemo<T> {
    ErasedMemo(Memo::new(boxed(compute)), PhantomData)
}

/// An effect. It runs once when it is created, in the browser only, and again when a signal that it read changes.
pub fn effect(run: impl FnMut() + 'static) {
    let run: Box<dyn FnMut()> = Box::new(run);
    Effect::new(run);
}

/// A memo that lives as long as its owner.
pub struct ErasedMemo<T>(Memo<Value>, PhantomData<fn() -> T>);

impl<T> Clone for ErasedMemo<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ErasedMemo<T> {}

impl<T: 'static> ErasedMemo<T> {
    pub fn with<U>(self, look: impl FnOnce(&T) -> U) -> U {
        read(&self.0.get(), look)
    }

    pub fn get(self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    /// Reads the value without subscribing.
    pub fn with_untracked<U>(self, look: impl FnOnce(&T) -> U) -> U {
        read(&self.0.get_untracked(), look)
    }

    pub fn get_untracked(self) -> T
    where
        T: Clone,
    {
        self.with_untracked(T::clone)
    }

    /// Returns `None` when its owner was dropped.
    pub fn try_with_untracked<U>(self, look: impl FnOnce(&T) -> U) -> Option<U> {
        self.0.try_get_untracked().map(|value| read(&value, look))
    }

    pub fn track(self) {
        self.0.track();
    }
}

/// A reference-counted memo.
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

    /// Reads the value without subscribing.
    pub fn get_untracked(&self) -> T
    where
        T: Clone,
    {
        read(&self.0.get_untracked(), T::clone)
    }
}

/// A memo that unsubscribes when its owner is dropped. A signal keeps an entry for every subscriber it ever had,
/// dropped or not. If rows are created and dropped under a long-lived clock and selection, the page would leak an entry
/// for each row.
pub fn scoped_memo<T: PartialEq + Send + Sync + 'static>(
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
    fn memo_notifies_readers_only_when_its_value_changes() {
        let owner = Owner::new();
        owner.with(|| {
            let (number, computed) = (RwSignal::new(1), StoredValue::new(0));
            let is_even = erased_memo(move || number.get() % 2 == 0);
            let words = erased_memo_from(move |before: Option<&String>| {
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
