# Compile and link options shared by every target, as one interface library.
add_library(lpad_options INTERFACE)
target_include_directories(lpad_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(lpad_options INTERFACE _GNU_SOURCE)
target_compile_options(lpad_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes
    -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wcast-qual -Wswitch-enum
    -fno-common -fvisibility=hidden -fstack-protector-strong -fstack-clash-protection
    -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_compile_options(lpad_options INTERFACE -fcf-protection=full)
endif()
if(LPAD_WERROR)
    target_compile_options(lpad_options INTERFACE -Werror)
endif()
target_link_options(lpad_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed)

# The tables of the messages are full of addresses: packed, each program maps 60 kB less. The loader must know
# it, and glibc does from 2.36 on.
include(CheckCSourceCompiles)
check_c_source_compiles("
#include <features.h>
#if !defined __GLIBC__ || !__GLIBC_PREREQ(2, 36)
#error the loader does not know it
#endif
int main(void) { return 0; }" LPAD_LOADER_UNPACKS)
if(LPAD_LOADER_UNPACKS)
    target_link_options(lpad_options INTERFACE -Wl,-z,pack-relative-relocs)
endif()

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

if(LPAD_SANITIZE)
    target_compile_options(lpad_options INTERFACE -fsanitize=${LPAD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(lpad_options INTERFACE -fsanitize=${LPAD_SANITIZE})
else()
    target_compile_options(lpad_options INTERFACE
        $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>)
endif()
if(LPAD_COVERAGE)
    target_compile_options(lpad_options INTERFACE --coverage)
    target_link_options(lpad_options INTERFACE --coverage)
endif()
# A sanitizer or coverage runtime needs calls at exit that no sandbox allows: such a
# build widens the allowlists (lib/sandbox_build_widened.c), says so, and is not installable.
if(LPAD_SANITIZE OR LPAD_COVERAGE)
    set(LPAD_WIDENED ON)
else()
    set(LPAD_WIDENED OFF)
endif()
