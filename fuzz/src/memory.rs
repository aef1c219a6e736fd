//! Memory limit: an input that allocates more than any fuzzer input can justify aborts, which the fuzzer counts as a crash.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// In bytes. The longest inputs have 16 KiB.
const LIMIT: usize = 64 << 20;

struct Bounded;

static TAKEN: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static BOUNDED: Bounded = Bounded;

// SAFETY: the system's allocator does the work; a null pointer means "no memory", as it does there.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if TAKEN.fetch_add(layout.size(), Relaxed) + layout.size() > LIMIT {
            return std::ptr::null_mut();
        }
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        TAKEN.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(place, layout) }
    }
}
