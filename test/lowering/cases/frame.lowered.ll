; ModuleID = 'frame'
source_filename = "frame"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

; Function Attrs: nounwind uwtable
define dso_local i64 @bpf_main(ptr noundef %ctx, i64 noundef %size) #0 {
entry:
  %frame = alloca [48 x i8], align 16
  ; prog.bpf.c:1: line 1;
  br label %bb_0

bb_0:                                             ; preds = %entry
  ; prog.bpf.c:2: line 2;
  %0 = getelementptr i8, ptr %frame, i64 40
  store ptr %ctx, ptr %0, align 8
  ; prog.bpf.c:3: line 3;
  %1 = getelementptr i8, ptr %frame, i64 36
  store i32 7, ptr %1, align 4
  ; prog.bpf.c:7: line 7;
  %2 = getelementptr i8, ptr %frame, i64 8
  %r0_6 = call i64 @_bpf_helper_ext_0016(ptr %2, i64 16)
  ; prog.bpf.c:8: line 8;
  %3 = getelementptr i8, ptr %frame, i64 40
  %r3_7 = load ptr, ptr %3, align 8
  ; prog.bpf.c:9: line 9;
  %r0_8 = load i32, ptr %r3_7, align 1
  ; prog.bpf.c:10: line 10;
  %4 = getelementptr i8, ptr %frame, i64 36
  %r4_9 = load i32, ptr %4, align 4
  ; prog.bpf.c:11: line 11;
  %5 = zext i32 %r4_9 to i64
  %6 = zext i32 %r0_8 to i64
  %r0_10 = add i64 %6, %5
  ; prog.bpf.c:12: line 12;
  ret i64 %r0_10
}

; Function Attrs: nounwind willreturn memory(argmem: readwrite, inaccessiblemem: readwrite)
declare i64 @_bpf_helper_ext_0016(ptr nocapture, i64) #1

attributes #0 = { nounwind uwtable "no-builtins" "tune-cpu"="generic" }
attributes #1 = { nounwind willreturn memory(argmem: readwrite, inaccessiblemem: readwrite) }

!llvm.module.flags = !{!0, !1, !2}

!0 = !{i32 8, !"PIC Level", i32 1}
!1 = !{i32 2, !"Debug Info Version", i32 3}
!2 = !{i32 7, !"Dwarf Version", i32 4}
