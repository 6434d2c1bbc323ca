#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kubewitness::keyring::fuzzing::packet(bytes));
