# Builds what the module links statically: libwebsockets on mbedTLS, and zlib; for another machine also what
# its host needs. README.md in this folder says how to use it.
#
#   cmake [-DIOM_TARGET=native|native-asan|native-tsan|aarch64|armhf] [-DIOM_CACHE=DIR] [-DIOM_SOURCES=DIR] [-DIOM_JOBS=N]
#         -P toolchains/dependencies.cmake
#
# The only line on stdout is the prefix it filled; everything else goes to stderr. A prefix is named after a
# hash of everything that went into it, so a second run only prints its path.

cmake_minimum_required(VERSION 3.25)

set(here "${CMAKE_CURRENT_LIST_DIR}")

# ---- options ---------------------------------------------------------------------------------------------

if(NOT IOM_TARGET)
    set(IOM_TARGET native)
endif()
if(NOT IOM_CACHE)
    if(DEFINED ENV{IOM_CACHE})
        set(IOM_CACHE "$ENV{IOM_CACHE}")
    elseif(DEFINED ENV{XDG_CACHE_HOME})
        set(IOM_CACHE "$ENV{XDG_CACHE_HOME}/iom-websocket")
    else()
        set(IOM_CACHE "$ENV{HOME}/.cache/iom-websocket")
    endif()
endif()
file(REAL_PATH "${IOM_CACHE}" IOM_CACHE EXPAND_TILDE)
if(NOT IOM_JOBS)
    cmake_host_system_information(RESULT IOM_JOBS QUERY NUMBER_OF_LOGICAL_CORES)
endif()

# Upstream versions. The newest Debian revision within them is taken.
set(websockets_version 4.3.5)
set(mbedtls_version 3.6)

set(toolchain "")
set(sanitize "")
set(cc "$ENV{CC}")
set(cxx "$ENV{CXX}")
if(NOT cc)
    set(cc cc)
endif()
if(NOT cxx)
    set(cxx c++)
endif()
if(IOM_TARGET STREQUAL "native-asan")
    set(sanitize "-fsanitize=address,undefined -fno-omit-frame-pointer")
elseif(IOM_TARGET STREQUAL "native-tsan")
    set(sanitize "-fsanitize=thread")
elseif(IOM_TARGET STREQUAL "aarch64")
    set(triplet aarch64-linux-gnu)
    set(debian_architecture arm64)
elseif(IOM_TARGET STREQUAL "armhf")
    set(triplet arm-linux-gnueabihf)
    set(debian_architecture armhf)
elseif(NOT IOM_TARGET STREQUAL "native")
    message(FATAL_ERROR "IOM_TARGET=${IOM_TARGET} is unknown: native, native-asan, native-tsan, aarch64, armhf.")
endif()
if(triplet)
    set(toolchain "${here}/${triplet}.cmake")
    set(cc "${triplet}-gcc")
    set(cxx "${triplet}-g++")
endif()

# Small, but for the ciphers (hot.cmake). No exception passes through C, so no unwind tables.
# The module is linked as one program; what is linked otherwise takes the same objects as they are.
set(section_flags "-ffunction-sections -fdata-sections")
set(small_flags "-Os -fno-asynchronous-unwind-tables -flto -ffat-lto-objects")
if(sanitize)
    set(websockets_flags "-O1 -g1 ${sanitize}")
    set(mbedtls_flags "-O1 -g1 ${sanitize}")
    set(server_flags "-O1 -g1 ${sanitize}")
else()
    set(websockets_flags "${small_flags} -DNDEBUG ${section_flags}")
    set(mbedtls_flags "${small_flags} -DNDEBUG ${section_flags}")
    set(server_flags "-Os -DNDEBUG ${section_flags}") # the host is linked part by part
endif()

# ---- name of the prefix: a hash over all inputs ----------------------------------------------------------

file(GLOB patches "${here}/patches/*.patch")
list(SORT patches)
file(GLOB mbedtls_patches "${here}/patches-mbedtls/*.patch")
list(SORT mbedtls_patches)
set(inputs "${here}/dependencies.cmake" "${here}/hot.cmake" "${here}/mbedtls-config.h"
    "${here}/mbedtls-server-config.h" "${here}/zlib/CMakeLists.txt"
    ${patches} ${mbedtls_patches} ${toolchain})
set(hashed "${IOM_TARGET}")
foreach(input IN LISTS inputs)
    file(SHA256 "${input}" sum)
    string(APPEND hashed " ${sum}")
endforeach()
foreach(compiler IN ITEMS "${cc}" "${cxx}")
    execute_process(COMMAND "${compiler}" --version OUTPUT_VARIABLE version RESULT_VARIABLE failed ERROR_QUIET)
    if(failed)
        message(FATAL_ERROR "The compiler ${compiler} for IOM_TARGET=${IOM_TARGET} does not run. Is its package installed?")
    endif()
    string(APPEND hashed " ${version}")
endforeach()
string(SHA256 hash "${hashed}")
string(SUBSTRING "${hash}" 0 16 hash)
set(prefix "${IOM_CACHE}/deps/${IOM_TARGET}-${hash}")

function(print_prefix)
    execute_process(COMMAND "${CMAKE_COMMAND}" -E echo "${prefix}")
endfunction()

if(EXISTS "${prefix}/lib/libwebsockets.a")
    print_prefix()
    return()
endif()

# Two builds at once would tread on each other; the second waits, and then finds the work done.
file(MAKE_DIRECTORY "${IOM_CACHE}/deps")
file(LOCK "${IOM_CACHE}/deps/lock" GUARD PROCESS TIMEOUT 3600)
if(EXISTS "${prefix}/lib/libwebsockets.a")
    print_prefix()
    return()
endif()

set(work "${IOM_CACHE}/work/${IOM_TARGET}")
set(stage "${work}/prefix")
file(REMOVE_RECURSE "${work}")
file(MAKE_DIRECTORY "${work}" "${stage}/lib" "${stage}/include")

# ---- running tools ---------------------------------------------------------------------------------------

# run(STEP DIRECTORY COMMAND...): output goes to a log, whose end is shown if the command fails.
function(run step directory)
    set(log "${work}/${step}.log")
    execute_process(COMMAND ${ARGN} WORKING_DIRECTORY "${directory}"
        OUTPUT_FILE "${log}" ERROR_FILE "${log}" RESULT_VARIABLE failed)
    if(failed)
        file(STRINGS "${log}" lines)
        list(LENGTH lines count)
        if(count GREATER 40)
            math(EXPR first "${count} - 40")
            list(SUBLIST lines ${first} 40 lines)
        endif()
        list(JOIN lines "\n  " tail)
        message(FATAL_ERROR "Building the dependencies failed at ${step} (${failed}).\n  ${tail}\nAll of it: ${log}")
    endif()
endfunction()

function(say text)
    message(NOTICE "dependencies (${IOM_TARGET}): ${text}")
endfunction()

# ---- sources ---------------------------------------------------------------------------------------------

set(downloads "${IOM_CACHE}/sources")
set(verified_by_apt "${downloads}/apt.sha256")
file(MAKE_DIRECTORY "${downloads}")

# prepare_apt(VARIABLE ARCHITECTURE LINES...): command prefix for an apt with lists of its own, of the Debian
# archive that this machine uses. The lists and the architectures of the machine stay as they are.
function(prepare_apt variable architecture)
    set(folder "${IOM_CACHE}/apt/${architecture}")
    set(${variable} "${CMAKE_COMMAND}" -E env "APT_CONFIG=${folder}/apt.conf" PARENT_SCOPE)
    get_property(done GLOBAL PROPERTY "apt_${architecture}")
    if(done)
        return()
    endif()
    set_property(GLOBAL PROPERTY "apt_${architecture}" TRUE)
    find_program(apt_get apt-get)
    if(NOT apt_get)
        message(FATAL_ERROR "There is no apt-get here. Give a folder with the files of sources.sha256: -DIOM_SOURCES=DIR.")
    endif()
    say("reading Debian's package lists (${architecture})")
    execute_process(COMMAND apt-get indextargets --format "$(REPO_URI)" "Created-By: Packages"
        OUTPUT_VARIABLE archives ERROR_QUIET)
    string(REGEX MATCH "[^\n]+/debian/?\n" archive "${archives}")
    string(STRIP "${archive}" archive)
    if(NOT archive)
        message(FATAL_ERROR "apt names no Debian archive here. Run `apt-get update`, or give a folder with the files of sources.sha256: -DIOM_SOURCES=DIR.")
    endif()
    set(keyring /usr/share/keyrings/debian-archive-keyring.gpg)
    set(lines "")
    foreach(line IN LISTS ARGN)
        list(APPEND lines "Types: ${line}\nURIs: ${archive}\nComponents: main\n")
        if(EXISTS "${keyring}")
            string(APPEND lines "Signed-By: ${keyring}\n")
        endif()
    endforeach()
    list(JOIN lines "\n" lines)
    file(MAKE_DIRECTORY "${folder}/lists/partial" "${folder}/archives/partial" "${folder}/sources")
    file(WRITE "${folder}/sources/debian.sources" "${lines}")
    file(WRITE "${folder}/status" "")
    file(WRITE "${folder}/apt.conf"
        "Dir::Etc::SourceList \"/dev/null\";\n"
        "Dir::Etc::SourceParts \"${folder}/sources\";\n"
        "Dir::State::Lists \"${folder}/lists\";\n"
        "Dir::State::Status \"${folder}/status\";\n"
        "Dir::Cache \"${folder}\";\n"
        "Acquire::Languages \"none\";\n"
        "APT::Sandbox::User \"root\";\n")
    if(NOT architecture STREQUAL "source")
        file(APPEND "${folder}/apt.conf"
            "APT::Architecture \"${architecture}\";\n"
            "APT::Architectures { \"${architecture}\"; };\n")
    endif()
    run(apt-update "${folder}" "${CMAKE_COMMAND}" -E env "APT_CONFIG=${folder}/apt.conf" apt-get -q update)
endfunction()

# Checks a file against sources.sha256 or against what apt verified when it was fetched.
function(verify file)
    get_filename_component(name "${file}" NAME)
    file(SHA256 "${file}" sum)
    file(STRINGS "${here}/sources.sha256" known REGEX "^[0-9a-f]+  ")
    if(EXISTS "${verified_by_apt}")
        file(STRINGS "${verified_by_apt}" more)
        list(APPEND known ${more})
    endif()
    foreach(line IN LISTS known)
        if(line STREQUAL "${sum}  ${name}")
            return()
        endif()
    endforeach()
    message(FATAL_ERROR "${file} is not the file that sources.sha256 names (its SHA-256 is ${sum}). "
        "Replace it, or add that line if you trust it.")
endfunction()

# have(VARIABLE NAME_PATTERN): path of the newest such file among what we were given or fetched before.
function(have variable package name_pattern)
    foreach(folder IN ITEMS "${IOM_SOURCES}" "${downloads}")
        if(folder)
            file(GLOB found RELATIVE "${folder}" "${folder}/${package}_*")
            list(FILTER found INCLUDE REGEX "${name_pattern}")
            if(found)
                list(SORT found COMPARE NATURAL ORDER DESCENDING)
                list(GET found 0 newest)
                verify("${folder}/${newest}")
                set(${variable} "${folder}/${newest}" PARENT_SCOPE)
                return()
            endif()
        endif()
    endforeach()
    if(IOM_SOURCES)
        message(FATAL_ERROR "${IOM_SOURCES} holds no file of ${package} that matches ${name_pattern}.")
    endif()
    set(${variable} "" PARENT_SCOPE)
endfunction()

# fetch(VARIABLE NAME_PATTERN COMMAND...): path of what an apt command fetched and verified, or nothing.
function(fetch variable name_pattern)
    set(${variable} "" PARENT_SCOPE)
    file(REMOVE_RECURSE "${work}/fetch")
    file(MAKE_DIRECTORY "${work}/fetch")
    execute_process(COMMAND ${ARGN} WORKING_DIRECTORY "${work}/fetch" RESULT_VARIABLE failed
        OUTPUT_FILE "${work}/fetch.log" ERROR_FILE "${work}/fetch.log")
    file(GLOB found RELATIVE "${work}/fetch" "${work}/fetch/*")
    list(FILTER found INCLUDE REGEX "${name_pattern}")
    if(NOT failed AND found)
        list(GET found 0 name)
        file(SHA256 "${work}/fetch/${name}" sum)
        file(APPEND "${verified_by_apt}" "${sum}  ${name}\n")
        file(RENAME "${work}/fetch/${name}" "${downloads}/${name}")
        set(${variable} "${downloads}/${name}" PARENT_SCOPE)
    endif()
endfunction()

# source(VARIABLE PACKAGE VERSION_PATTERN KIND): path of the newest matching tarball, fetched if need be.
# KIND is tar (upstream) or diff (Debian's own changes).
function(source variable package pattern kind)
    if(kind STREQUAL "diff")
        set(name_pattern "^${package}_${pattern}\\.debian\\.tar\\.[a-z0-9]+$")
    else()
        set(name_pattern "^${package}_${pattern}\\.orig\\.tar\\.[a-z0-9]+$")
    endif()
    have(found ${package} "${name_pattern}")
    set(${variable} "${found}" PARENT_SCOPE)
    if(found)
        return()
    endif()

    prepare_apt(apt source
        "deb-src\nSuites: bookworm" "deb-src\nSuites: trixie" "deb-src\nSuites: sid")
    execute_process(COMMAND ${apt} apt-cache showsrc --only-source ${package}
        OUTPUT_VARIABLE records ERROR_QUIET)
    string(REGEX MATCHALL "\nVersion: [^\n]+" versions "\n${records}")
    list(TRANSFORM versions REPLACE "\nVersion: " "")
    list(REMOVE_DUPLICATES versions)
    list(SORT versions COMPARE NATURAL ORDER DESCENDING)
    foreach(version IN LISTS versions)
        # For upstream's tarball the Debian revision does not matter, for its name neither does the epoch.
        string(REGEX REPLACE "^[0-9]+:" "" named "${version}")
        if(kind STREQUAL "tar")
            string(REGEX REPLACE "-[^-]*$" "" named "${named}")
        endif()
        if(named MATCHES "^${pattern}$")
            say("fetching ${package} ${version} (${kind})")
            fetch(found "${name_pattern}"
                ${apt} apt-get -q source --${kind}-only --download-only "${package}=${version}")
            if(found)
                set(${variable} "${found}" PARENT_SCOPE)
                return()
            endif()
        endif()
    endforeach()
    message(FATAL_ERROR "apt could not fetch ${package} ${pattern} (${kind}); its log is ${work}/fetch.log. "
        "Without a network give a folder with the files of sources.sha256: -DIOM_SOURCES=DIR.")
endfunction()

# package(NAME ARCHITECTURE): puts headers, static libraries and CMake files of Debian's package for the
# target's architecture (or for all of them) into the prefix.
function(package name architecture)
    set(name_pattern "^${name}_.+_${architecture}\\.deb$")
    have(archive ${name} "${name_pattern}")
    if(NOT archive)
        prepare_apt(apt ${debian_architecture} "deb\nSuites: bookworm")
        say("fetching ${name} (${architecture})")
        fetch(archive "${name_pattern}" ${apt} apt-get -q download "${name}")
        if(NOT archive)
            message(FATAL_ERROR "apt could not fetch ${name} for ${debian_architecture}; its log is ${work}/fetch.log.")
        endif()
    endif()
    get_filename_component(file "${archive}" NAME)
    set_property(GLOBAL APPEND_STRING PROPERTY packages_used "${file}\n")
    set(folder "${work}/packages/${name}")
    file(MAKE_DIRECTORY "${folder}")
    run("unpack-${name}" "${work}" dpkg-deb --extract "${archive}" "${folder}")
    file(COPY "${folder}/usr/include/" DESTINATION "${stage}/include")
    if(EXISTS "${folder}/usr/share/cmake")
        file(COPY "${folder}/usr/share/cmake" DESTINATION "${stage}/share")
    endif()
    file(GLOB libraries "${folder}/usr/lib/${triplet}/*.a")
    file(COPY ${libraries} DESTINATION "${stage}/lib")
endfunction()

# unpack(VARIABLE TARBALL): folder that the tarball's top folder became.
function(unpack variable tarball)
    get_filename_component(name "${tarball}" NAME)
    string(REGEX REPLACE "_.*" "" package "${name}")
    set(folder "${work}/source/${package}")
    file(ARCHIVE_EXTRACT INPUT "${tarball}" DESTINATION "${folder}.unpacking")
    file(GLOB top "${folder}.unpacking/*")
    file(RENAME "${top}" "${folder}")
    file(REMOVE_RECURSE "${folder}.unpacking")
    set(${variable} "${folder}" PARENT_SCOPE)
endfunction()

string(REPLACE "." "\\." websockets_pattern "${websockets_version}")
string(REPLACE "." "\\." mbedtls_pattern "${mbedtls_version}")
source(websockets_tarball libwebsockets "${websockets_pattern}" tar)
source(websockets_fixes libwebsockets "${websockets_pattern}-1\\+deb13u[0-9]+" diff)
source(mbedtls_tarball mbedtls "${mbedtls_pattern}\\.[0-9]+" tar)
source(zlib_tarball zlib "1\\.2\\.13\\.dfsg" tar)
unpack(websockets_source "${websockets_tarball}")
unpack(mbedtls_source "${mbedtls_tarball}")
unpack(zlib_source "${zlib_tarball}")

# Debian's fixes first, ours on top.
file(ARCHIVE_EXTRACT INPUT "${websockets_fixes}" DESTINATION "${work}/source/websockets-debian")
file(STRINGS "${work}/source/websockets-debian/debian/patches/series" series REGEX "^[^#]")
list(TRANSFORM series PREPEND "${work}/source/websockets-debian/debian/patches/")
foreach(patch IN LISTS series patches)
    get_filename_component(name "${patch}" NAME)
    run("patch-${name}" "${websockets_source}" patch --batch --forward --fuzz=0 -p1 -i "${patch}")
endforeach()

foreach(patch IN LISTS mbedtls_patches)
    get_filename_component(name "${patch}" NAME)
    run("patch-mbedtls-${name}" "${mbedtls_source}" patch --batch --forward --fuzz=0 -p1 -i "${patch}")
endforeach()

# ---- building --------------------------------------------------------------------------------------------

set(common
    -G Ninja
    -DCMAKE_BUILD_TYPE=None
    -DCMAKE_POSITION_INDEPENDENT_CODE=ON
    # Nothing is linked here but the programs that look for features: quicker as they are, and surer.
    -DCMAKE_EXE_LINKER_FLAGS=-fno-lto -DCMAKE_POLICY_DEFAULT_CMP0056=NEW
    "-DCMAKE_INSTALL_PREFIX=${stage}"
    -DCMAKE_INSTALL_LIBDIR=lib)
if(toolchain)
    list(APPEND common "-DCMAKE_TOOLCHAIN_FILE=${toolchain}")
else()
    list(APPEND common "-DCMAKE_C_COMPILER=${cc}" "-DCMAKE_CXX_COMPILER=${cxx}")
endif()
find_program(ccache ccache)
if(ccache)
    list(APPEND common "-DCMAKE_C_COMPILER_LAUNCHER=${ccache}" "-DCMAKE_CXX_COMPILER_LAUNCHER=${ccache}")
endif()

# build(NAME SOURCE FLAGS OPTIONS...)
function(build name source_folder flags)
    say("building ${name}")
    # No path of this machine in what is built.
    string(APPEND flags " -ffile-prefix-map=${work}/source=.")
    # Flags given here replace those that a toolchain file starts with.
    if(toolchain)
        include("${toolchain}")
        string(APPEND flags " ${CMAKE_C_FLAGS_INIT}")
    endif()
    run("${name}-configure" "${work}" "${CMAKE_COMMAND}" -S "${source_folder}" -B "${work}/build/${name}" ${common}
        "-DCMAKE_C_FLAGS=${flags}" "-DCMAKE_CXX_FLAGS=${flags}" ${ARGN})
    run("${name}-build" "${work}" "${CMAKE_COMMAND}" --build "${work}/build/${name}" --parallel ${IOM_JOBS})
    run("${name}-install" "${work}" "${CMAKE_COMMAND}" --install "${work}/build/${name}")
endfunction()

# Files that are compiled for speed after all; see hot.cmake.
set(hot "")
if(NOT sanitize)
    set(hot "-DCMAKE_PROJECT_INCLUDE=${here}/hot.cmake")
endif()

build(zlib "${here}/zlib" "${websockets_flags}" "-DZLIB_SOURCE=${zlib_source}" -DIOM_ZLIB_WITHOUT_GZIP=ON)

# build_mbedtls(NAME FOLDER FLAGS CONFIG)
function(build_mbedtls name folder flags config_file)
    build(${name} "${mbedtls_source}" "${flags}"
        "-DCMAKE_INSTALL_PREFIX=${folder}"
        -DENABLE_PROGRAMS=OFF -DENABLE_TESTING=OFF -DGEN_FILES=OFF
        -DUSE_STATIC_MBEDTLS_LIBRARY=ON -DUSE_SHARED_MBEDTLS_LIBRARY=OFF
        -DMBEDTLS_FATAL_WARNINGS=OFF -DDISABLE_PACKAGE_CONFIG_AND_INSTALL=OFF
        ${hot} -DIOM_HOT_TARGET=mbedcrypto
        "-DIOM_HOT_FILES=library/aes.c|library/aesni.c|library/chacha20.c|library/cipher.c|library/constant_time.c|library/gcm.c|library/poly1305.c"
        "-DMBEDTLS_USER_CONFIG_FILE=${config_file}")
    # The headers must mean the same to whoever includes them as they meant to the library.
    file(COPY_FILE "${config_file}" "${folder}/include/mbedtls/iom-config.h")
    file(READ "${folder}/include/mbedtls/mbedtls_config.h" config)
    file(WRITE "${folder}/include/mbedtls/mbedtls_config.h" "${config}\n#include \"mbedtls/iom-config.h\"\n")
endfunction()

# build_websockets(NAME FOLDER FLAGS OPTIONS...): on the mbedTLS that lies in FOLDER.
function(build_websockets name folder flags)
    build(${name} "${websockets_source}" "${flags}"
        "-DCMAKE_INSTALL_PREFIX=${folder}"
        -DLWS_WITH_STATIC=ON -DLWS_WITH_SHARED=OFF -DLWS_STATIC_PIC=ON
        -DLWS_WITH_SSL=ON -DLWS_WITH_MBEDTLS=ON
        "-DLWS_MBEDTLS_INCLUDE_DIRS=${folder}/include"
        "-DMBEDTLS_LIBRARY=${folder}/lib/libmbedtls.a"
        "-DMBEDX509_LIBRARY=${folder}/lib/libmbedx509.a"
        "-DMBEDCRYPTO_LIBRARY=${folder}/lib/libmbedcrypto.a"
        -DLWS_IPV6=ON -DLWS_UNIX_SOCK=OFF -DLWS_WITH_HTTP2=OFF
        -DLWS_WITHOUT_TESTAPPS=ON -DLWS_SSL_CLIENT_USE_OS_CA_CERTS=OFF -DLWS_WITH_TLS_SESSIONS=OFF
        -DLWS_WITH_SYS_SMD=OFF -DLWS_WITH_LEJP=OFF -DLWS_WITH_LEJP_CONF=OFF -DLWS_WITH_DIR=OFF
        -DLWS_WITH_CONMON=OFF -DLWS_WITH_EXPORT_LWSTARGETS=OFF -DDISABLE_WERROR=ON -DLWS_WITH_NETLINK=OFF
        -DLWS_WITH_CACHE_NSCOOKIEJAR=OFF -DLWS_LOG_TAG_LIFECYCLE=OFF -DLWS_ROLE_RAW_FILE=OFF
        -DLWS_HAVE_LIBCAP=OFF -DLWS_HAVE_SYS_CAPABILITY_H=OFF -DLWS_WITH_NO_LOGS=ON ${ARGN})

    # Its feature checks fail in silence; a build that lost one would lose SNI or certificate checks with it.
    file(READ "${folder}/include/lws_config.h" config)
    foreach(feature IN ITEMS
            ssl_conf_alpn_protocols ssl_get_alpn_protocol ssl_conf_sni ssl_set_hs_ca_chain ssl_set_hs_own_cert
            ssl_set_hs_authmode net_init x509_crt_parse_file md_setup rsa_complete internal_aes_encrypt
            ssl_set_verify)
        if(NOT config MATCHES "#define LWS_HAVE_mbedtls_${feature}")
            message(FATAL_ERROR "libwebsockets did not find mbedtls_${feature}; see ${work}/${name}-configure.log.")
        endif()
    endforeach()
endfunction()

# For the module: a client, and nothing more.
build_mbedtls(mbedtls "${stage}" "${mbedtls_flags}" "${here}/mbedtls-config.h")
build_websockets(libwebsockets "${stage}" "${websockets_flags}"
    -DLWS_WITHOUT_SERVER=ON
    -DLWS_WITH_ZLIB=ON "-DLWS_ZLIB_LIBRARIES=${stage}/lib/libz.a" "-DLWS_ZLIB_INCLUDE_DIRS=${stage}/include"
    -DLWS_WITHOUT_EXTENSIONS=OFF)

# For the host, in a prefix of its own: a server, and a TLS that is client and server and writes certificates.
file(READ "${here}/mbedtls-config.h" config)
file(READ "${here}/mbedtls-server-config.h" more)
file(WRITE "${work}/mbedtls-server-config.h" "${config}\n${more}")
file(MAKE_DIRECTORY "${stage}/server/lib" "${stage}/server/include")
build(zlib-server "${here}/zlib" "${server_flags}" "-DZLIB_SOURCE=${zlib_source}"
    "-DCMAKE_INSTALL_PREFIX=${stage}/server")
build_mbedtls(mbedtls-server "${stage}/server" "${server_flags}" "${work}/mbedtls-server-config.h")
build_websockets(libwebsockets-server "${stage}/server" "${server_flags}"
    -DLWS_WITHOUT_CLIENT=ON -DLWS_WITH_ZLIB=OFF -DLWS_WITHOUT_EXTENSIONS=ON)

# What the host needs beyond that has packages on this machine, but none for the target.
foreach(folder IN ITEMS "${stage}" "${stage}/server")
    file(REMOVE_RECURSE "${folder}/lib/cmake" "${folder}/lib/pkgconfig" "${folder}/share" "${folder}/bin")
endforeach()
if(triplet)
    package(libpugixml-dev ${debian_architecture})
    package(libre2-dev ${debian_architecture})
    package(nlohmann-json3-dev all)
    package(libcli11-dev all)
    # The host finds RE2 by pkg-config; Debian's file names a folder that is not ours.
    file(WRITE "${stage}/lib/pkgconfig/re2.pc"
        "Name: re2\nDescription: regular expressions in linear time\nVersion: 0\n"
        "Cflags: -I\${pcfiledir}/../../include\nLibs: -L\${pcfiledir}/.. -lre2 -pthread\n")
endif()

# ---- done ------------------------------------------------------------------------------------------------

get_property(list GLOBAL PROPERTY packages_used)
foreach(tarball IN ITEMS "${websockets_tarball}" "${websockets_fixes}" "${mbedtls_tarball}" "${zlib_tarball}")
    get_filename_component(name "${tarball}" NAME)
    string(APPEND list "${name}\n")
endforeach()
file(WRITE "${stage}/sources.txt" "${list}")
file(REMOVE_RECURSE "${prefix}")
file(RENAME "${stage}" "${prefix}")
file(REMOVE_RECURSE "${work}")
print_prefix()
