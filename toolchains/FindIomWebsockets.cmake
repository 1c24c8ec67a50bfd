# Finds libwebsockets on mbedTLS and defines
#
#   iom::websockets         libwebsockets, mbedTLS and zlib with their headers, in linking order: a client
#   iom::websockets_server  the same for the host: a server, with a TLS that is both and writes certificates.
#                           From server/ in the prefix, or the very same where that is a server too.
#
# Looks in CMAKE_PREFIX_PATH, so in the prefix that dependencies.cmake filled (IOM_DEPS) or in a controller's
# sysroot (IOM_WEBSOCKETS_SYSROOT). Static libraries are preferred; a sysroot may also hold shared ones.
# Sets IomWebsockets_PATCHED if the library has the patches of this folder: its header then defines
# LWS_IOM_PATCHES, and so can code ask.

include(FindPackageHandleStandardArgs)

find_path(IomWebsockets_INCLUDE_DIR libwebsockets.h)
set(iom_websockets_parts)
foreach(part IN ITEMS websockets mbedtls mbedx509 mbedcrypto z)
    find_library(IomWebsockets_${part}_LIBRARY NAMES lib${part}.a ${part})
    list(APPEND iom_websockets_parts IomWebsockets_${part}_LIBRARY)
endforeach()
find_path(IomWebsockets_mbedtls_INCLUDE_DIR mbedtls/ssl.h HINTS "${IomWebsockets_INCLUDE_DIR}")

if(IomWebsockets_INCLUDE_DIR)
    file(STRINGS "${IomWebsockets_INCLUDE_DIR}/lws_config.h" iom_websockets_config
        REGEX "^#define (LWS_LIBRARY_VERSION |LWS_WITH_MBEDTLS|LWS_IOM_PATCHES)")
    string(REGEX MATCH "LWS_LIBRARY_VERSION +\"?([0-9.]+)" _ "${iom_websockets_config}")
    set(IomWebsockets_VERSION "${CMAKE_MATCH_1}")
    if(NOT iom_websockets_config MATCHES "LWS_WITH_MBEDTLS")
        set(IomWebsockets_NOT_FOUND_MESSAGE
            "The libwebsockets of ${IomWebsockets_INCLUDE_DIR} is not built on mbedTLS.")
        set(IomWebsockets_INCLUDE_DIR "IomWebsockets_INCLUDE_DIR-NOTFOUND")
    endif()
    string(FIND "${iom_websockets_config}" "LWS_IOM_PATCHES" iom_websockets_patched)
    set(IomWebsockets_PATCHED NO)
    if(iom_websockets_patched GREATER_EQUAL 0)
        set(IomWebsockets_PATCHED YES)
    endif()
endif()

# The server's own prefix, inside of the other.
set(iom_websockets_server_parts)
cmake_path(GET IomWebsockets_INCLUDE_DIR PARENT_PATH iom_websockets_prefix)
find_path(IomWebsockets_server_INCLUDE_DIR libwebsockets.h
    HINTS "${iom_websockets_prefix}/server/include" NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
if(IomWebsockets_server_INCLUDE_DIR)
    foreach(part IN ITEMS websockets mbedtls mbedx509 mbedcrypto z)
        find_library(IomWebsockets_server_${part}_LIBRARY NAMES lib${part}.a
            HINTS "${iom_websockets_prefix}/server/lib" NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
        list(APPEND iom_websockets_server_parts IomWebsockets_server_${part}_LIBRARY)
    endforeach()
elseif(IomWebsockets_INCLUDE_DIR)
    file(STRINGS "${IomWebsockets_INCLUDE_DIR}/lws_config.h" iom_websockets_server
        REGEX "^#define LWS_WITH_SERVER")
    if(NOT iom_websockets_server)
        set(IomWebsockets_NOT_FOUND_MESSAGE
            "The libwebsockets of ${IomWebsockets_INCLUDE_DIR} is no server; the host's page needs one.")
        set(IomWebsockets_INCLUDE_DIR "IomWebsockets_INCLUDE_DIR-NOTFOUND")
    endif()
endif()

find_package_handle_standard_args(IomWebsockets
    REQUIRED_VARS IomWebsockets_websockets_LIBRARY IomWebsockets_INCLUDE_DIR IomWebsockets_mbedtls_INCLUDE_DIR
        ${iom_websockets_parts}
    VERSION_VAR IomWebsockets_VERSION
    REASON_FAILURE_MESSAGE "${IomWebsockets_NOT_FOUND_MESSAGE}")
mark_as_advanced(IomWebsockets_INCLUDE_DIR IomWebsockets_mbedtls_INCLUDE_DIR ${iom_websockets_parts}
    IomWebsockets_server_INCLUDE_DIR ${iom_websockets_server_parts})

if(IomWebsockets_FOUND AND NOT TARGET iom::websockets)
    add_library(iom::websockets INTERFACE IMPORTED)
    # SYSTEM, as with every imported target: our warnings are not theirs.
    set_target_properties(iom::websockets PROPERTIES
        INTERFACE_INCLUDE_DIRECTORIES "${IomWebsockets_INCLUDE_DIR};${IomWebsockets_mbedtls_INCLUDE_DIR}")
    foreach(part IN LISTS iom_websockets_parts)
        target_link_libraries(iom::websockets INTERFACE "${${part}}")
    endforeach()
endif()

if(IomWebsockets_FOUND AND NOT TARGET iom::websockets_server)
    add_library(iom::websockets_server INTERFACE IMPORTED)
    if(iom_websockets_server_parts)
        set_target_properties(iom::websockets_server PROPERTIES INTERFACE_INCLUDE_DIRECTORIES
            "${IomWebsockets_server_INCLUDE_DIR}")
        foreach(part IN LISTS iom_websockets_server_parts)
            target_link_libraries(iom::websockets_server INTERFACE "${${part}}")
        endforeach()
    else()
        target_link_libraries(iom::websockets_server INTERFACE iom::websockets)
    endif()
endif()
