# 32-bit ARM with hardware floating point (ARMv7), with Debian's cross compiler (package g++-arm-linux-gnueabihf).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR armv7l)

set(CMAKE_C_COMPILER arm-linux-gnueabihf-gcc)
set(CMAKE_CXX_COMPILER arm-linux-gnueabihf-g++)

# Times beyond the year 2038: certificates of machines are valid that long, and the machines may be too.
set(CMAKE_C_FLAGS_INIT "-D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64")
set(CMAKE_CXX_FLAGS_INIT "${CMAKE_C_FLAGS_INIT}")

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
