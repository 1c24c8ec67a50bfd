# 64-bit ARM, with Debian's cross compiler (package g++-aarch64-linux-gnu).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)

set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

# Run what was built through the emulator, where it is installed (package qemu-user).
find_program(IOM_EMULATOR qemu-aarch64)
if(IOM_EMULATOR)
    set(CMAKE_CROSSCOMPILING_EMULATOR "${IOM_EMULATOR};-L;/usr/aarch64-linux-gnu")
endif()

# Libraries and headers come from the prefix that dependencies.cmake fills, never from the building machine.
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
