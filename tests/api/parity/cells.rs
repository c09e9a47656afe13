//! `sync`'s cells that are written once.

use std::{
    cell::Cell,
    fmt::Debug,
    ops::{Deref, DerefMut},
    rc::Rc,
};

use super::sync::{self, LazyLock, ONCE_INIT, Once, OnceLock, OnceState};
use crate::traits::Has;

pub(crate) fn pointers() {
    onces();
    once_locks();
    lazy_locks();
}

fn onces() {
    static ONCE: Once = const { Once::new() };
    static OLD: Once = ONCE_INIT;
    let _: [&Once; 2] = [&ONCE, &OLD];
    let _: fn() -> Once = Once::new;
    let _: fn(&Once, fn()) = Once::call_once;
    let _: fn(&Once, fn(&OnceState)) = Once::call_once_force;
    let _: fn(&Once) -> bool = Once::is_completed;
    let _: fn(&Once) = Once::wait;
    let _: fn(&Once) = Once::wait_force;
    let _: fn(&OnceState) -> bool = OnceState::is_poisoned;
}

fn once_locks() {
    static CELL: OnceLock<i32> = const { OnceLock::new() };
    let _: &OnceLock<i32> = &CELL;
    let _: fn() -> OnceLock<i32> = OnceLock::new;
    let _: fn(&OnceLock<i32>) -> Option<&i32> = OnceLock::get;
    let _: fn(&mut OnceLock<i32>) -> Option<&mut i32> = OnceLock::get_mut;
    let _: fn(&OnceLock<i32>) -> &i32 = OnceLock::wait;
    let _: fn(&OnceLock<i32>, i32) -> Result<(), i32> = OnceLock::set;
    let _: fn(&OnceLock<i32>, fn() -> i32) -> &i32 = OnceLock::get_or_init;
    let _: fn(OnceLock<i32>) -> Option<i32> = OnceLock::into_inner;
    let _: fn(&mut OnceLock<i32>) -> Option<i32> = OnceLock::take;
    bound!(OnceLock<i32>: From<i32>);
    bound!(OnceLock<Rc<i32>>: Clone);
    bound!(OnceLock<Cell<i32>>: Debug);
}

fn lazy_locks() {
    static LAZY: LazyLock<i32> = const { LazyLock::new(|| 1) };
    type Lazy = LazyLock<String, fn() -> String>;
    let _: &LazyLock<i32> = &LAZY;
    let _: fn(fn() -> String) -> Lazy = LazyLock::new;
    let _: fn(&Lazy) -> &String = LazyLock::force;
    let _: fn(&mut Lazy) -> &mut String = LazyLock::force_mut;
    let _: fn(&Lazy) -> Option<&String> = LazyLock::get;
    let _: fn(&mut Lazy) -> Option<&mut String> = LazyLock::get_mut;
    bound!(Lazy: Deref<Target = String>);
    bound!(Lazy: DerefMut);
    bound!(Lazy: Default);
    bound!(LazyLock<Cell<i32>>: Debug);
}

pub(crate) fn traits() -> Vec<Has> {
    traits_of![
        sync::Once,
        sync::OnceState,
        sync::OnceLock<i32>,
        sync::OnceLock<Cell<i32>>,
        sync::OnceLock<Rc<i32>>,
        sync::OnceLock<&'static mut i32>,
        sync::LazyLock<i32>,
        sync::LazyLock<Cell<i32>>,
        sync::LazyLock<Rc<i32>>,
        sync::LazyLock<i32, Box<dyn FnOnce() -> i32>>,
        sync::LazyLock<i32, Box<dyn FnOnce() -> i32 + Send>>,
    ]
}
