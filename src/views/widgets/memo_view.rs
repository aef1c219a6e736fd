//! Memoized part of a view: it isn't redrawn while its input stays the same.
//!
//! Redrawing an element sets each of its attributes again, changed or not, and the browser recomputes its style and layout.
//! Where one effect draws many parts of which few change, memoizing the parts avoids that.

use crate::client::{Comparable, Prefs};
use leptos::{
    prelude::*,
    tachys::{
        html::attribute::{Attribute, any_attribute::AnyAttribute},
        hydration::Cursor,
        renderer::types::{Element, Node},
        view::{
            Mountable, Position, PositionState, Render, RenderHtml,
            add_attr::AddAnyAttr,
            any_view::{AnyView, AnyViewState},
        },
    },
};
use std::{any::Any, mem};

/// Draws the view from `from`, and redraws it only when `from` changes.
pub fn memo_view<T: PartialEq + Send + Sync + 'static>(
    from: T,
    draw: impl FnOnce(&T) -> AnyView + Send + 'static,
) -> AnyView {
    let draw = |from: &dyn Any| draw(from.downcast_ref().expect("it came along"));
    Kept { from: Box::new(from), draw: Box::new(draw) }.into_any()
}

type Draw = Box<dyn FnOnce(&dyn Any) -> AnyView + Send>;

struct Kept {
    from: Box<dyn Comparable>,
    draw: Draw,
}

impl Kept {
    fn drawn(self) -> (AnyView, Box<dyn Comparable>) {
        ((self.draw)(self.from.as_any()), self.from)
    }
}

struct KeptState {
    from: Box<dyn Comparable>,
    // Declared before its owner and so dropped first: clean-ups run from the bottom up.
    drawn: AnyViewState,
    owner: Owner,
}

impl KeptState {
    fn new(kept: Kept, place: impl FnOnce(AnyView) -> AnyViewState) -> Self {
        let owner = detached_owner();
        let (drawn, from) = owner.with(|| {
            let (view, from) = kept.drawn();
            (place(view), from)
        });
        Self { from, drawn, owner }
    }
}

/// The surrounding effect disposes its children before each run. Memoized views outlive a run, so their owner has no
/// parent. It provides the context that the views need.
fn detached_owner() -> Owner {
    let (around, prefs) = (Owner::current(), use_context::<Prefs>());
    let owner = Owner::new_root(Owner::current_shared_context());
    if let Some(prefs) = prefs {
        provide_context(prefs);
    }
    if let Some(around) = around {
        around.set();
    }
    owner
}

impl Render for Kept {
    type State = KeptState;

    fn build(self) -> KeptState {
        KeptState::new(self, Render::build)
    }

    fn rebuild(self, state: &mut KeptState) {
        if (*self.from).is(&*state.from) {
            return;
        }
        let owner = detached_owner();
        owner.with(|| {
            let (view, from) = self.drawn();
            view.rebuild(&mut state.drawn);
            state.from = from;
        });
        drop(mem::replace(&mut state.owner, owner));
    }
}

impl AddAnyAttr for Kept {
    type Output<SomeNewAttr: Attribute> = <AnyView as AddAnyAttr>::Output<SomeNewAttr>;

    fn add_any_attr<NewAttr: Attribute>(self, attr: NewAttr) -> Self::Output<NewAttr>
    where
        Self::Output<NewAttr>: RenderHtml,
    {
        self.drawn().0.add_any_attr(attr)
    }
}

impl RenderHtml for Kept {
    type AsyncOutput = Self;
    type Owned = Self;

    const MIN_LENGTH: usize = 0;

    fn dry_resolve(&mut self) {}

    async fn resolve(self) -> Self {
        self
    }

    fn to_html_with_buf(
        self,
        buf: &mut String,
        position: &mut Position,
        escape: bool,
        mark_branches: bool,
        extra_attrs: Vec<AnyAttribute>,
    ) {
        self.drawn().0.to_html_with_buf(buf, position, escape, mark_branches, extra_attrs);
    }

    fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> KeptState {
        KeptState::new(self, |view| view.hydrate::<FROM_SERVER>(cursor, position))
    }

    fn into_owned(self) -> Self {
        self
    }
}

impl Mountable for KeptState {
    fn unmount(&mut self) {
        self.drawn.unmount();
    }

    fn mount(&mut self, parent: &Element, marker: Option<&Node>) {
        self.drawn.mount(parent, marker);
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        self.drawn.insert_before_this(child)
    }

    fn elements(&self) -> Vec<Element> {
        self.drawn.elements()
    }
}
