// Is a shared object, but no module.

extern "C" __attribute__((visibility("default"))) int not_a_module() {
    return 0;
}
