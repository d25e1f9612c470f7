// The System V x86-64 context switch. See context.hpp.

    .text
    .macro SAVE
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbx, 0
    pushq %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r12, 0
    pushq %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r13, 0
    pushq %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r14, 0
    pushq %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r15, 0
    movq %rsp, (%rdi)
    .endm

    .globl weft_switch
    .hidden weft_switch
    .type weft_switch, @function
    .p2align 4
weft_switch:                        // rdi: save_sp, rsi: to_sp, rdx: argument
    .cfi_startproc
    SAVE
    movq %rsi, %rsp
    movq %rdx, %rax
    popq %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r15
    popq %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r14
    popq %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r13
    popq %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r12
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbx
    popq %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbp
    popq %rcx
    .cfi_adjust_cfa_offset -8
    .cfi_register %rip, %rcx
    jmpq *%rcx
    .cfi_endproc
    .size weft_switch, . - weft_switch

    .globl weft_start
    .hidden weft_start
    .type weft_start, @function
    .p2align 4
weft_start:                         // rdi: save_sp, rsi: stack_top, rdx: entry, rcx: argument
    .cfi_startproc
    SAVE
    .cfi_undefined %rip             // nothing stands above entry: unwinding ends here
    movq %rsi, %rsp
    xorl %ebp, %ebp
    movq %rcx, %rdi
    pushq $0                        // the return address that entry must not use
    jmpq *%rdx
    .cfi_endproc
    .size weft_start, . - weft_start

    .section .note.GNU-stack, "", @progbits
