# Compiles SOURCE as it is, which must work, and with WEFT_MISUSE, which must fail: for REASON.

set(ENV{LC_ALL} C)
set(command "${COMPILER}" -std=c++20 -fsyntax-only "-I${INCLUDE}")

execute_process(COMMAND ${command} "${SOURCE}"
  RESULT_VARIABLE control OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(NOT control EQUAL 0)
  message(FATAL_ERROR "without the misuse it does not compile either:\n${said}")
endif()

execute_process(COMMAND ${command} -DWEFT_MISUSE "${SOURCE}"
  RESULT_VARIABLE misuse OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(misuse EQUAL 0)
  message(FATAL_ERROR "the misuse compiles")
endif()
if(NOT said MATCHES "${REASON}")
  message(FATAL_ERROR "it fails, but not because of '${REASON}':\n${said}")
endif()
