# lpad_protobuf(TARGET name FILES a.proto b.proto): C code from .proto files, as a static library.
# protoc and protoc-c run at build time, in the build folder; nothing generated is committed.
find_program(PROTOC_C protoc-c REQUIRED)

function(lpad_protobuf)
    cmake_parse_arguments(ARG "" "TARGET" "FILES" ${ARGN})
    set(generated)
    foreach(file IN LISTS ARG_FILES)
        get_filename_component(base ${file} NAME_WE)
        set(c ${CMAKE_CURRENT_BINARY_DIR}/${base}.pb-c.c)
        set(h ${CMAKE_CURRENT_BINARY_DIR}/${base}.pb-c.h)
        add_custom_command(
            OUTPUT ${c} ${h}
            COMMAND ${PROTOC_C} --proto_path=${CMAKE_CURRENT_SOURCE_DIR} --c_out=${CMAKE_CURRENT_BINARY_DIR} ${file}
            DEPENDS ${ARG_FILES}
            WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
            VERBATIM)
        list(APPEND generated ${c} ${h})
    endforeach()
    # Generated code is not held to our warnings; ours that includes it is.
    add_library(${ARG_TARGET} STATIC ${generated})
    target_include_directories(${ARG_TARGET} SYSTEM PUBLIC ${CMAKE_CURRENT_BINARY_DIR})
    target_link_libraries(${ARG_TARGET} PUBLIC PkgConfig::PROTOBUF_C)
    # Each program uses few of the functions that are made for every message: the linker drops the others.
    target_compile_options(${ARG_TARGET} PRIVATE -ffunction-sections -fdata-sections)
    target_link_options(${ARG_TARGET} INTERFACE -Wl,--gc-sections)
    target_compile_options(${ARG_TARGET} PRIVATE -fstack-protector-strong -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
    if(LPAD_SANITIZE)
        target_compile_options(${ARG_TARGET} PRIVATE -fsanitize=${LPAD_SANITIZE})
    endif()
endfunction()
