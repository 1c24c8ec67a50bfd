# Where libraries that are not our own are looked for; each is named by the one room that uses it.

if(IOM_DEPS AND IOM_WEBSOCKETS_SYSROOT)
    message(FATAL_ERROR "IOM_DEPS and IOM_WEBSOCKETS_SYSROOT are both set; give the one that holds libwebsockets.")
endif()
set(iom_prefix "${IOM_DEPS}${IOM_WEBSOCKETS_SYSROOT}")
if(NOT iom_prefix)
    message(FATAL_ERROR "Neither IOM_DEPS nor IOM_WEBSOCKETS_SYSROOT is set, so there is no libwebsockets. "
        "`./dev build` makes one; by hand: cmake --preset release "
        "-DIOM_DEPS=\"$(cmake -P toolchains/dependencies.cmake)\".")
endif()
if(NOT IS_DIRECTORY "${iom_prefix}")
    message(FATAL_ERROR "There is no folder ${iom_prefix}; `./dev build` makes the dependencies and names their folder.")
endif()

if(IOM_WEBSOCKETS_SYSROOT)
    list(PREPEND CMAKE_PREFIX_PATH "${iom_prefix}/usr" "${iom_prefix}")
else()
    list(PREPEND CMAKE_PREFIX_PATH "${iom_prefix}")
endif()
if(CMAKE_CROSSCOMPILING)
    list(PREPEND CMAKE_FIND_ROOT_PATH "${iom_prefix}")
endif()
