; ModuleID = 'tail_call'
source_filename = "tail_call"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-unknown-linux-gnu"

@__bpftime_map_handle_0 = extern_weak global i8

; Function Attrs: nounwind uwtable
define dso_local i64 @bpf_main(ptr noundef %ctx, i64 noundef %size) #0 {
entry:
  ; prog.bpf.c:1: line 1;
  br label %bb_0

bb_0:                                             ; preds = %entry
  ; prog.bpf.c:4: line 4;
  %0 = icmp eq ptr @__bpftime_map_handle_0, null
  br i1 %0, label %map_call, label %map_known, !prof !3

map_call:                                         ; preds = %bb_0
  ; prog.bpf.c:4: line 4;
  %1 = call i64 @__lddw_helper_map_by_fd(i32 0)
  br label %map_known

map_known:                                        ; preds = %bb_0, %map_call
  ; prog.bpf.c:4: line 4;
  %2 = phi i64 [ ptrtoint (ptr @__bpftime_map_handle_0 to i64), %bb_0 ], [ %1, %map_call ]
  %r0_3 = call i64 @_bpf_helper_ext_0012(ptr %ctx, i64 %2, i64 1)
  %3 = icmp eq i64 %r0_3, 0
  br i1 %3, label %no_tail_call_3, label %tail_call_3

tail_call_3:                                      ; preds = %map_known
  ; prog.bpf.c:4: line 4;
  %4 = inttoptr i64 %r0_3 to ptr
  %5 = musttail call i64 %4(ptr %ctx, i64 %size) #3
  ret i64 %5

no_tail_call_3:                                   ; preds = %map_known
  ; prog.bpf.c:6: line 6;
  ret i64 42
}

; Function Attrs: nounwind memory(readwrite)
declare i64 @_bpf_helper_ext_0012(ptr, i64, i64) #1

; Function Attrs: nounwind willreturn
declare i64 @__lddw_helper_map_by_fd(i32) #2

attributes #0 = { nounwind uwtable "no-builtins" "tune-cpu"="generic" }
attributes #1 = { nounwind memory(readwrite) }
attributes #2 = { nounwind willreturn }
attributes #3 = { nounwind }

!llvm.module.flags = !{!0, !1, !2}

!0 = !{i32 8, !"PIC Level", i32 1}
!1 = !{i32 2, !"Debug Info Version", i32 3}
!2 = !{i32 7, !"Dwarf Version", i32 4}
!3 = !{!"branch_weights", i32 1, i32 100000}
