# 32-bit ARM with hardware floating point (ARMv7), with Debian's cross compiler (package g++-arm-linux-gnueabihf).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR armv7l)

set(CMAKE_C_COMPILER arm-linux-gnueabihf-gcc)
set(CMAKE_CXX_COMPILER arm-linux-gnueabihf-g++)

# Run what was built through the emulator, where it is installed (package qemu-user).
find_program(IOM_EMULATOR qemu-arm)
if(IOM_EMULATOR)
    set(CMAKE_CROSSCOMPILING_EMULATOR "${IOM_EMULATOR};-L;/usr/arm-linux-gnueabihf")
endif()

# Libraries and headers come from the prefix that dependencies.cmake fills, never from the building machine.
set(CMAKE_FIND_ROOT_PATH /usr/arm-linux-gnueabihf)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
