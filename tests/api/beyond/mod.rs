//! What goes beyond `std`, by its exact types. To run it does nothing: it is there if it compiles.

mod groups;
mod runtimes;
mod sync;
mod threads;

#[test]
fn each_function_beyond_std_is_there_and_has_its_type() {
    groups::pointers();
    runtimes::pointers();
    sync::pointers();
    threads::pointers();
}
