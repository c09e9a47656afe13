//! A use after free on a green thread's stack switch, on purpose: a sanitizer run that does not report it checks nothing.

#[test]
#[ignore = "it reads what is freed: for AddressSanitizer, which must die of it"]
fn the_canary_dies_under_address_sanitizer() {
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
