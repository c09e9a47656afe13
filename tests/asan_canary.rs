//! A use after free on a green thread's stack switch, on purpose, when `SWARD_ASAN_CANARY` is set: a sanitizer run that
//! does not report it checks nothing.

#[test]
fn the_canary_dies_under_address_sanitizer() {
    if std::env::var_os("SWARD_ASAN_CANARY").is_none() {
        return;
    }
    let read = sward::run(|| {
        let freed = {
            let value = Box::new(7_u64);
            &raw const *value
        };
        sward::yield_now();
        // SAFETY: there is none: the value is gone. That is the test, and only a sanitizer runs it.
        unsafe { std::ptr::read_volatile(freed) }
    });
    println!("the canary read {read}");
}
