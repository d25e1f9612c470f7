// The AAPCS64 context switch: x19..x30 and d8..d15. See context.hpp.

    .text
    .macro SAVE
    sub sp, sp, #160
    .cfi_adjust_cfa_offset 160
    stp x19, x20, [sp, #0]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    .cfi_rel_offset x19, 0
    .cfi_rel_offset x20, 8
    .cfi_rel_offset x21, 16
    .cfi_rel_offset x22, 24
    .cfi_rel_offset x23, 32
    .cfi_rel_offset x24, 40
    .cfi_rel_offset x25, 48
    .cfi_rel_offset x26, 56
    .cfi_rel_offset x27, 64
    .cfi_rel_offset x28, 72
    .cfi_rel_offset x29, 80
    .cfi_rel_offset x30, 88
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    str x9, [x0]
    .endm

    .globl weft_switch
    .hidden weft_switch
    .type weft_switch, %function
    .p2align 4
weft_switch:                        // x0: save_sp, x1: to_sp, x2: argument
    .cfi_startproc
    SAVE
    mov sp, x1
    ldp x19, x20, [sp, #0]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #160
    mov x0, x2
    br x30
    .cfi_endproc
    .size weft_switch, . - weft_switch

    .globl weft_start
    .hidden weft_start
    .type weft_start, %function
    .p2align 4
weft_start:                         // x0: save_sp, x1: stack_top, x2: entry, x3: argument
    .cfi_startproc
    SAVE
    .cfi_undefined x30              // nothing stands above entry: unwinding ends here
    mov sp, x1
    mov x29, xzr
    mov x30, xzr
    mov x0, x3
    br x2
    .cfi_endproc
    .size weft_start, . - weft_start

    .section .note.GNU-stack, "", %progbits
