#![doc = include_str!("../README.md")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

/// Applies a macro to the pointers through which a trait of `&self` methods can be implemented.
macro_rules! for_shared_pointers {
    ($implement:ident) => {
        $implement!(
            &T,
            &mut T,
            #[cfg(feature = "alloc")]
            alloc::boxed::Box<T>,
            #[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
            alloc::sync::Arc<T>
        );
    };
}

/// The same for a trait of `&mut self` methods.
macro_rules! for_exclusive_pointers {
    ($implement:ident) => {
        $implement!(
            &mut T,
            #[cfg(feature = "alloc")]
            alloc::boxed::Box<T>
        );
    };
}

pub mod hash;
pub mod machine;
pub mod node;
pub mod placement;
pub mod random;
#[cfg(all(feature = "std", target_has_atomic = "64"))]
mod sync;
pub mod time;
